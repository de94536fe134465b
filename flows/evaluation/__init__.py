"""The store's records held against labels."""
