"""Every route, who may ask it, and with which scope: read across, refused if absent."""

# ruff: noqa: E501 - a table is read across
TABLE = """
GET    /healthz                                               anyone
GET    /readyz                                                anyone
GET    /metrics                                               anyone
GET    /openapi.json                                          anyone
GET    /docs/                                                 anyone
GET    /docs/<path:path>                                      anyone
GET    /problems                                              anyone
GET    /problems/<code>                                       anyone
GET    /v1/feed-schema                                        anyone

GET    /v1/clock                                              read supplier agent operator finance
PUT    /v1/clock                                              write operator
GET    /v1/partners                                           read operator finance
POST   /v1/partners                                           write operator
GET    /v1/partners/<uuid:partner_id>                         read operator finance
POST   /v1/partners/<uuid:partner_id>/contracts               write operator
POST   /v1/partners/<uuid:supplier_id>/feeds                  write operator
GET    /v1/partners/<uuid:supplier_id>/plans                  read operator
POST   /v1/partners/<uuid:supplier_id>/plans                  write operator
POST   /v1/plans/<uuid:plan_id>/publication                   write operator
DELETE /v1/plans/<uuid:plan_id>/publication                   write operator
PUT    /v1/plans/<uuid:plan_id>/schedule                      write operator
DELETE /v1/plans/<uuid:plan_id>/schedule                      write operator
GET    /v1/plans/<uuid:plan_id>/simulation                    read operator
GET    /v1/plan-schema                                        anyone
GET    /v1/partners/<uuid:partner_id>/sandbox                 read operator
POST   /v1/partners/<uuid:partner_id>/sandbox                 write operator
GET    /v1/sandbox                                            read supplier agent
GET    /v1/sandbox/checklist                                  read supplier agent
PUT    /v1/sandbox/clock                                      write supplier agent
POST   /v1/sandbox/events                                     write supplier agent
POST   /v1/sandbox/closing                                    write supplier agent
POST   /v1/sandbox/requests/<uuid:hold_id>/decision           write supplier agent
GET    /v1/stops                                              read supplier operator
POST   /v1/stops                                              write supplier operator
DELETE /v1/stops/<uuid:stop_id>                               write supplier operator
GET    /v1/performances/<uuid:performance_id>/blocks          read supplier operator
POST   /v1/performances/<uuid:performance_id>/blocks          write supplier operator
POST   /v1/blocks/<uuid:block_id>/release                     write supplier operator
POST   /v1/performances/<uuid:performance_id>/recalls         write supplier operator
POST   /v1/performances/<uuid:performance_id>/transfers       write operator
POST   /v1/performances/<uuid:performance_id>/rebalancing     write operator
GET    /v1/recalls                                            read supplier agent operator
DELETE /v1/recalls/<uuid:recall_id>                           write supplier operator
GET    /v1/requests                                           read supplier operator
POST   /v1/requests/<uuid:hold_id>/decision                   write supplier operator
PUT    /v1/performances/<uuid:performance_id>/areas/<area>/sub-agents write agent
GET    /v1/credentials                                        read operator
POST   /v1/credentials                                        write operator
DELETE /v1/credentials/<uuid:credential_id>                   write operator
POST   /v1/credentials/<uuid:credential_id>/rotation          write operator
GET    /v1/schemas/<name>                                     anyone
GET    /v1/partners/<uuid:partner_id>/contracts               read operator finance
GET    /v1/contracts/<uuid:contract_id>/terms                 read operator finance
POST   /v1/contracts/<uuid:contract_id>/terms                 write operator finance
POST   /v1/contracts/<uuid:contract_id>/quotes                read operator finance
GET    /v1/terms/<uuid:terms_id>                              read operator finance
POST   /v1/terms/<uuid:terms_id>/decision                     write operator finance
GET    /v1/partners/<uuid:partner_id>/billing-profile         read operator finance
PUT    /v1/partners/<uuid:partner_id>/billing-profile         write operator finance
GET    /v1/legal-entities/<legal_entity>/billing-profile      read operator finance
PUT    /v1/legal-entities/<legal_entity>/billing-profile      write finance
GET    /v1/legal-entities/<legal_entity>/tax-codes            read operator finance
POST   /v1/legal-entities/<legal_entity>/tax-codes            write finance
POST   /v1/legal-entities/<legal_entity>/revaluations         write finance
POST   /v1/contracts/<uuid:contract_id>/movements             write finance
GET    /v1/contracts/<uuid:contract_id>/entries               read finance
GET    /v1/contracts/<uuid:contract_id>/balances              read finance
GET    /v1/contracts/<uuid:contract_id>/preview               read finance
GET    /v1/contracts/<uuid:contract_id>/credit                read operator finance
PUT    /v1/contracts/<uuid:contract_id>/credit                write finance
GET    /v1/contracts/<uuid:contract_id>/ageing                read finance
GET    /v1/reports/revenue                                    read finance
GET    /v1/reports/owed                                       read supplier agent finance
GET    /v1/reports/commissions                                read supplier agent finance
GET    /v1/credit                                             read agent

POST   /v1/feeds/<feed>/deliveries                            write supplier
GET    /v1/deliveries                                         read supplier operator
GET    /v1/deliveries/<uuid:delivery_id>                      read supplier operator
GET    /v1/deliveries/<uuid:delivery_id>/refusals             read supplier operator
POST   /v1/deliveries/<uuid:delivery_id>/decision             write operator

GET    /v1/source-kinds                                       read supplier operator
POST   /v1/partners/<uuid:supplier_id>/sources                write operator
GET    /v1/sources                                            read supplier operator
GET    /v1/sources/<uuid:source_id>                           read supplier operator
PUT    /v1/sources/<uuid:source_id>                           write operator
PUT    /v1/sources/<uuid:source_id>/stop                      write operator
DELETE /v1/sources/<uuid:source_id>/stop                      write operator
GET    /v1/sources/<uuid:source_id>/syncs                     read supplier operator
POST   /v1/sources/<uuid:source_id>/syncs                     write operator
POST   /v1/syncs/<uuid:sync_id>/decision                      write operator
GET    /v1/supplier-cases                                     read operator
POST   /v1/supplier-cases/<uuid:case_id>/decision             write operator

GET    /v1/changes                                            read agent
GET    /v1/productions                                        read agent
GET    /v1/productions/<uuid:production_id>                   read agent
GET    /v1/productions/<uuid:production_id>/calendar          read agent
PUT    /v1/productions/<uuid:production_id>/merge             write operator
DELETE /v1/productions/<uuid:production_id>/merge             write operator
GET    /v1/suppliers                                          read agent operator
GET    /v1/performances/<uuid:performance_id>/best-seats      read agent
GET    /v1/venues/<uuid:venue_id>                             read agent
GET    /v1/auditoriums/<uuid:auditorium_id>                   read agent
GET    /v1/availability                                       read agent
GET    /v1/performances                                       read agent
GET    /v1/performances/<uuid:performance_id>                 read agent
GET    /v1/performances/<uuid:performance_id>/availability    read agent
GET    /v1/performances/<uuid:performance_id>/seats           read agent
GET    /v1/performances/<uuid:performance_id>/explanation     read supplier agent operator
GET    /v1/nodes/<uuid:node_id>/history                       read supplier agent operator
POST   /v1/holds                                              write agent
GET    /v1/holds/<uuid:hold_id>                               read agent
DELETE /v1/holds/<uuid:hold_id>                               write agent
POST   /v1/holds/<uuid:hold_id>/extension                     write agent
POST   /v1/sales-reports                                      write agent
GET    /v1/orders                                             read agent
POST   /v1/orders                                             write agent
GET    /v1/orders/<uuid:order_id>                             read agent
POST   /v1/orders/<uuid:order_id>/cancellation-quotes         read agent
POST   /v1/orders/<uuid:order_id>/cancellations               write agent
POST   /v1/orders/<uuid:order_id>/exchange-quotes             read agent
POST   /v1/orders/<uuid:order_id>/exchanges                   write agent
POST   /v1/orders/<uuid:order_id>/tickets/<uuid:ticket_id>/replacements write agent
GET    /v1/orders/<uuid:order_id>/tickets.pdf                 read agent
GET    /v1/orders/<uuid:order_id>/tickets/<uuid:ticket_id>/<any(qr, code128):symbology>.<any(svg, png):form> read agent
POST   /v1/orders/<uuid:order_id>/links                       write agent
GET    /t/<token>                                             anyone
GET    /t/<token>/tickets.pdf                                 anyone
POST   /v1/hints/<token>                                      anyone
GET    /v1/delivery-methods                                   read agent operator
POST   /v1/delivery-methods                                   write operator
PUT    /v1/delivery-methods/<ref>                             write operator
GET    /v1/orders/<uuid:order_id>/shipment                    read agent
PUT    /v1/orders/<uuid:order_id>/shipment                    write agent
GET    /v1/shipments                                          read operator
POST   /v1/shipments/<uuid:shipment_id>/dispatch              write operator
GET    /v1/performances/<uuid:performance_id>/door-list       read supplier operator
GET    /v1/performances/<uuid:performance_id>/door-list.csv   read supplier operator
POST   /v1/performances/<uuid:performance_id>/redemptions     write supplier operator
GET    /v1/webhook-endpoints                                  read agent
POST   /v1/webhook-endpoints                                  write agent
GET    /v1/webhook-endpoints/<uuid:endpoint_id>               read agent
PUT    /v1/webhook-endpoints/<uuid:endpoint_id>               write agent
DELETE /v1/webhook-endpoints/<uuid:endpoint_id>               write agent
GET    /v1/webhook-endpoints/<uuid:endpoint_id>/secret        write agent
POST   /v1/webhook-endpoints/<uuid:endpoint_id>/rotation      write agent
POST   /v1/webhook-endpoints/<uuid:endpoint_id>/replays       write agent
GET    /v1/webhook-endpoints/<uuid:endpoint_id>/deliveries    read agent
GET    /v1/notices                                            read supplier agent operator
GET    /v1/notices/<uuid:notice_id>                           read supplier agent operator
POST   /v1/notices/<uuid:notice_id>/acknowledgement           write agent
POST   /v1/performances/<uuid:performance_id>/refund-runs     write supplier operator
GET    /v1/refund-runs/<uuid:run_id>                          read supplier operator

POST   /v1/periods/<period>/drafts                            write finance
GET    /v1/statements                                         read supplier agent finance
GET    /v1/statements/<uuid:statement_id>                     read supplier agent finance
GET    /v1/statements/<uuid:statement_id>/lines               read supplier agent finance
GET    /v1/statements/<uuid:statement_id>/lines.xlsx          read supplier agent finance
GET    /v1/statements/<uuid:statement_id>/summary.pdf         read supplier agent finance
GET    /v1/statements/<uuid:statement_id>/lines/<int:no>/explanation read supplier agent finance
POST   /v1/statements/<uuid:statement_id>/review              write finance
POST   /v1/statements/<uuid:statement_id>/approval            write finance
POST   /v1/statements/<uuid:statement_id>/reopening           write finance
POST   /v1/statements/<uuid:statement_id>/closing             write finance
POST   /v1/statements/<uuid:statement_id>/payment             write finance
GET    /v1/statements/<uuid:statement_id>/invoices            read supplier agent finance
POST   /v1/statements/<uuid:statement_id>/invoices            write finance
GET    /v1/invoices/<uuid:invoice_id>/document.xml            read supplier agent finance
GET    /v1/statements/<uuid:statement_id>/memos               read supplier agent finance
POST   /v1/statements/<uuid:statement_id>/memos               write finance
POST   /v1/memos/<uuid:memo_id>/decision                      write finance
GET    /v1/statements/<uuid:statement_id>/disputes            read supplier agent finance
POST   /v1/statements/<uuid:statement_id>/disputes            write supplier agent finance
POST   /v1/disputes/<uuid:dispute_id>/decision                write finance

GET    /octo/openapi.json                                     anyone
GET    /octo/supplier                                         read agent
GET    /octo/suppliers                                        read agent
GET    /octo/suppliers/<supplier_id>                          read agent
GET    /octo/capabilities                                     read agent
GET    /octo/products                                         read agent
GET    /octo/products/<product_id>                            read agent
POST   /octo/availability                                     read agent
POST   /octo/availability/calendar                            read agent
GET    /octo/bookings                                         read agent
POST   /octo/bookings                                         write agent
GET    /octo/bookings/<uuid>                                  read agent
PATCH  /octo/bookings/<uuid>                                  write agent
DELETE /octo/bookings/<uuid>                                  write agent
POST   /octo/bookings/<uuid>/confirm                          write agent
POST   /octo/bookings/<uuid>/extend                           write agent
POST   /octo/bookings/<uuid>/cancel                           write agent
POST   /octo/orders                                           write agent
GET    /octo/orders/<order_id>                                read agent
PATCH  /octo/orders/<order_id>                                write agent
POST   /octo/orders/<order_id>/confirm                        write agent
POST   /octo/orders/<order_id>/extend                         write agent
POST   /octo/orders/<order_id>/cancel                         write agent
GET    /octo/webhooks                                         read agent
POST   /octo/webhooks                                         write agent
GET    /octo/webhooks/<webhook_id>                            read agent
DELETE /octo/webhooks/<webhook_id>                            write agent

GET    /tiqets/v2/products                                    read agent
GET    /tiqets/v2/products/<product_id>/availability          read agent
POST   /tiqets/v2/products/<product_id>/reservation           write agent
POST   /tiqets/v2/booking                                     write agent
DELETE /tiqets/v2/booking/<booking_id>                        write agent
"""
