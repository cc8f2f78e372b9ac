"""Co-occurrence: do several codes together mean something (docs/protocol.md, step 8)?"""
