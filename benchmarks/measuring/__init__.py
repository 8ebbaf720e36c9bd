"""What the benchmarks share. Each benchmark is a folder beside this one, run as `python benchmarks/NAME`.

Modules, lower ones first: `machine` (what a figure belongs to), `spread` (medians, ranges, ratios, slopes),
`table` and `plot` (for a reader), `targets` (what is to be shown, and whether it is), `report` (options, JSON
and how a benchmark ends), `rounds` (interleaving), `processes` (memory, CPU and descriptors of processes),
`api` (asking an API server, and waiting until it is Ready), `peers` (building what we are compared with),
`sides` (a control plane that is measured: ours and others), `driver` (the load). Nothing here is part of the
product.
"""
