"""What the benchmarks share: records, rows, a server, measure_process processes, and their command line."""
