"""How the server binary is built: standard library only, so that any Python >= 3.10 can do it.

Modules, in the order in which a build meets them::

    versions    what is built: read from go.mod and pyproject.toml, stamped into the binary
    toolchain   which Go builds it
    needs       what it takes (minutes, disk, memory), announced and checked beforehand
    gocommand   running `go` with its progress, and ending it with all its children
    compiling   the build itself, into a folder that is renamed when it is whole
    provenance  licence notices and the SBOM of what was linked

`server/build.py` is the command line, `server/hatch_build.py` the wheel's hook, and `sandkube.server.build`
fills the cache; all three call `compiling.build`.
"""
