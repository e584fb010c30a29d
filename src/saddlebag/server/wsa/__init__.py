"""WS-Addressing 1.0 (W3C Recommendations: Core, SOAP Binding, Metadata).

Belongs here: the addressing headers of a message, those of its answer, and answers that go elsewhere. May not know:
operations' insides, Twisted, SOAP faults beyond the codes that the standard names.

    reading    header blocks -> Addressing, or the standard's fault
    answering  what an answer's header says, and where it goes
    hosts      which addresses an answer may go to at all
    courier    answers that go elsewhere, from the store to their address

A message without an addressing header for us is not addressed: nothing of this applies to it.
"""
