"""Co-occurrence: do several codes together mean something (protocol step 8)?"""
