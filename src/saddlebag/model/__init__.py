"""Floor 1: what an entity is.

Belongs here: fields, types, relations, policies, the built-in entities, the tenant's schema as a value, and conditions
over fields. May not know: SQL, XML, SOAP, users. Everything else (tables, codec, XSD, WSDL, Spyne classes, validation,
scopes, forms) is derived from what stands here.
"""
