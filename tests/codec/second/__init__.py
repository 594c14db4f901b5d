"""A second decoder of the model coding (docs/protocol.md, sections 12 and 14), to prove that the description is enough to write one.

Plain Python without any of thimble's own code: it is about a thousand times slower. Each file follows a part of the description: `coder` the
arithmetic coder and the text's end, `tables` the file, `syntax`, `recall`, `predict`; `history` the views, `reference` what names them, `text` the exchange,
`canonical` JSON, `events` those of federation. `lineage` puts event IDs back, from `client_events` of the text, `marks` and the `graph` of the view's `notes`,
or what a `request` made; `event_id` is the hash. `exchange` puts all of that together; `pieces` reads long bodies.
"""
