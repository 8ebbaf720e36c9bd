"""Putting sandkube into the hosts that start it: hooks of coding sandboxes, dev containers, CI.

A host's file belongs to the person, who has comments, an order and a layout in it. So no file is ever written
anew from what was read: text is put in and taken out at positions that a parser gives, and the rest stays as
it is, byte for byte. What is put in says by a comment of the shell or of YAML that it is ours, and what had
to be made around it; that is all `--remove` goes by.

Modules, lower ones first: `place`; `jsonc` (reading JSON with comments, with positions), `jsonedit` (putting
in and taking out), `yamltext` (the same for the steps of a workflow); `mark` (how ours is known); `host`
(what a host answers) and a module each, `sessionstart`, `devcontainer` and `github`, which are functions from
text to text; `files` (reading and replacing a file) and `editing`, which proves an edit before it is written.
Beside them `preparing`: having all that a start needs.
"""
