"""Reading the warehouse: queries, exports, and checks of its content."""
