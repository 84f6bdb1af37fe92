"""What is done with webhooks: endpoints, draining, sending."""
