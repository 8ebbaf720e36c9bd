"""How right validation is, measured: `python tests/validation/proof --seed 1 --count 500`. Holds no tests.

Every mutant and every file of the corpus is given to `validate`, to the API server itself by way of
`kubectl create --validate=strict`, whose verdict is the right one, and to two tools that people use for the
same: `kubectl apply --dry-run=client`, and kubeconform with schemas made of the same server's OpenAPI.
`oracle` asks kubectl, `kubeconform` has that tool built and its schemas written, `scoring` compares, `page`
writes the table in docs/reference/validation-proof.md.
"""
