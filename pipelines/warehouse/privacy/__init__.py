"""Personal data in the warehouse: the stored policy, and rewriting what is stored."""
