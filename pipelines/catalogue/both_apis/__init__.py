"""Records, enumerations and phrases that the Suppliers API and the Customers API have in common."""
