"""The chain of authorities. Each folder is one authority; docs/architecture.md is the map."""
