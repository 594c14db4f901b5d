"""What the tests and the demo share: processes, ports, a homeserver, a pair of daemons, a raw HTTP peer."""
