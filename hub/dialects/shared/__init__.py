"""What every dialect shows of the hub: products, performances, what is to be had."""
