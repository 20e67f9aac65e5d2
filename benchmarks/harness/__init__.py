"""What the benchmarks share: records, a server of them, and the measuring of whole processes."""
