"""The assertions of W3C's "SOAP Version 1.2 Specification Assertions and Test Collection" (Second Edition, 2007), all.

Belongs here: each assertion by the collection's own id, its section, and a message of our making with what must come of
it, or the reason why there is none. May not know: how a message is sent, how an answer is judged.
"""

from __future__ import annotations

from dataclasses import dataclass

from conformance.wire import GET_TIME, SOAP11, SOAP12

ROLE = f"{SOAP12}/role"
ENCODING = "http://www.w3.org/2003/05/soap-encoding"
NONE = f"{SOAP12}/encoding/none"
SERVED = ""
"""What is expected of a message that is served; otherwise the local name of the fault's code."""


@dataclass(frozen=True, slots=True)
class Case:
    """A message of one assertion. `text` is the document; `expected` SERVED or a fault code; `shape` names a further
    look at the answer, of those in `soap12_checks`.
    """

    assertion: str
    section: str
    text: str
    expected: str = SERVED
    shape: str = ""


def _envelope(inner: str = GET_TIME, headers: str = "", at: str = "", body: str = "", head: str = "") -> str:
    block = f"<s:Header{head}>{headers}</s:Header>" if headers or head else ""
    names = f'xmlns:s="{SOAP12}" xmlns:m="urn:saddlebag:session:v1" xmlns:t="urn:saddlebag:types:v1"'
    return f"<s:Envelope {names}{at}>{block}<s:Body{body}>{inner}</s:Body></s:Envelope>"


def _block(attributes: str = "", inside: str = "1") -> str:
    return f'<x:Strange xmlns:x="urn:unknown" {attributes}>{inside}</x:Strange>'


def _role(role: str, must: str = "true") -> str:
    return _envelope(headers=_block(f's:role="{role}" s:mustUnderstand="{must}"'))


_MUST = 's:mustUnderstand="true"'
_URI = "urn:" + "u" * 2044

CASES: tuple[Case, ...] = (
    Case("x1-reltoxml-lexicalform", "1.3", _envelope(headers=_block('s:mustUnderstand="1"')), "MustUnderstand"),
    Case("x1-reltoxml-lexicalform", "1.3", _envelope(headers=_block('s:mustUnderstand="true"')), "MustUnderstand"),
    Case("x1-soapnodes-procmodel", "2.1", _envelope()),
    Case("x1-soaproles-next", "2.2", _role(f"{ROLE}/next"), "MustUnderstand", "not-understood"),
    Case("x1-soaproles-next", "2.2", _role(f"{ROLE}/next", "false")),
    Case("x1-soaproles-none", "2.2", _role(f"{ROLE}/none")),
    Case("x1-soaproles-ur", "2.2", _role(f"{ROLE}/ultimateReceiver"), "MustUnderstand", "not-understood"),
    Case("x1-muprocessing-true", "2.4", _envelope(headers=_block(_MUST)), "MustUnderstand", "not-understood"),
    Case("x1-muprocessing-ur", "2.4", _role("http://example.org/another/node")),
    Case("x1-structinterpbodies-ur", "2.5", _envelope()),
    Case("x1-structinterpbodies-ur", "2.5", _envelope("<m:NoSuch/>"), "Sender"),
    Case("x1-procsoapmsgs-steps", "2.6", _envelope("<m:NoSuch/>", _block(_MUST)), "MustUnderstand", "not-understood"),
    Case("x1-procsoapmsgs-steps", "2.6", _envelope("<m:Login/>", _block(_MUST)), "MustUnderstand", "not-understood"),
    Case("x1-procsoapmsgs-headerspec", "2.6", _envelope(headers="<t:AllOrNone><t:value>true</t:value></t:AllOrNone>")),
    Case("x1-procsoapmsgs-headerspec", "2.6", _envelope(headers="<t:AllOrNone><t:value>x</t:value></t:AllOrNone>"),
         "Sender"),
    Case("x1-procsoapmsgs-body", "2.6", _envelope()),
    Case("x1-procsoapmsgs-fault", "2.6", _envelope("<m:NoSuch/><m:NoSuch/>"), "Sender", "fault-form"),
    Case("x1-envvermodel-permsg", "2.8", _envelope().replace(SOAP12, "urn:soap:2030"), "VersionMismatch", "upgrade"),
    Case("x1-envvermodel-msgversion", "2.8", _envelope(), SERVED, "answers-in-kind"),
    Case("x1-envvermodel-fault", "2.8", _envelope().replace(SOAP12, "http://www.w3.org/2002/06/soap-envelope"),
         "VersionMismatch", "upgrade"),
    Case("x1-envvermodel-fault", "2.8", _envelope().replace("</s:Envelope>", "<s:More/></s:Envelope>"), "Sender"),
    Case("x1-envvermodel-fault", "2.8", _envelope().replace("s:Body", "s:Corpse"), "Sender"),
    Case("x1-soapenv-diichild", "5", f"<!-- before -->{_envelope()}<!-- after -->"),
    Case("x1-soapenv-diichild", "5", "<NoEnvelope/>", "Sender"),
    Case("x1-soapenv-diichild", "5", f"{_envelope()}{_envelope()}", "Sender"),
    Case("x1-soapenv-docprop", "5", f'<?xml version="1.0" standalone="yes"?>{_envelope()}'),
    Case("x1-soapenv-docprop", "5", f'<?xml version="1.0" encoding="UTF-8"?>{_envelope()}'),
    Case("x1-soapenv-dtd", "5", f"<!DOCTYPE s:Envelope [<!ELEMENT a EMPTY>]>{_envelope()}", "Sender"),
    Case("x1-soapenv-dtd", "5", f'<!DOCTYPE s:Envelope SYSTEM "envelope.dtd">{_envelope()}', "Sender"),
    Case("x1-soapenv-pi", "5", _envelope(headers=f"<?go on?>{_block()}"), "Sender"),
    Case("x1-soapenv-pi", "5", f"{_envelope()}<?go on?>", "Sender"),
    Case("x1-soapenvelope-prop", "5.1", _envelope(at=' xmlns:q="urn:q" q:attribute="1"')),
    Case("x1-soapenvelope-prop", "5.1", _envelope(at=' attribute="1"'), "Sender"),
    Case("x1-soapenvelope-prop", "5.1", f'<s:Envelope xmlns:s="{SOAP12}"><s:Header/></s:Envelope>', "Sender"),
    Case("x1-soapenvelope-prop", "5.1",
         f'<s:Envelope xmlns:s="{SOAP12}" xmlns:m="urn:saddlebag:session:v1"><s:Body>{GET_TIME}</s:Body><s:Header/>'
         "</s:Envelope>", "Sender"),
    Case("x1-soapencattr-prop", "5.1.1", _envelope(f'<m:GetServerTime s:encodingStyle="{ENCODING}"/>'),
         "DataEncodingUnknown"),
    Case("x1-soapencattr-restrictions", "5.1.1", _envelope(at=f' s:encodingStyle="{NONE}"'), "Sender"),
    Case("x1-soapencattr-restrictions", "5.1.1", _envelope(body=f' s:encodingStyle="{NONE}"'), "Sender"),
    Case("x1-soapencattr-restrictions", "5.1.1", _envelope(head=f' s:encodingStyle="{NONE}"'), "Sender"),
    Case("x1-soapencattr-restrictions", "5.1.1", _envelope(headers=_block(f's:encodingStyle="{ENCODING}"'))),
    Case("x1-soapencattr-scope", "5.1.1",
         _envelope(headers=_block(f's:encodingStyle="{ENCODING}"', f'<x:a s:encodingStyle="{NONE}"/>'))),
    Case("x1-soapencattr-none", "5.1.1", _envelope(f'<m:GetServerTime s:encodingStyle="{NONE}"/>')),
    Case("x1-soaphead-prop", "5.2", _envelope(head=' xmlns:q="urn:q" q:attribute="1"')),
    Case("x1-soaphead-prop", "5.2", _envelope(head=' attribute="1"'), "Sender"),
    Case("x1-soaphead-prop", "5.2", _envelope(headers="<Unqualified/>"), "Sender"),
    Case("x1-soapheadblock-prop", "5.2.1", _envelope(headers=_block('a="1"', " text <b c='1'/> text "))),
    Case("x1-soaprole-prop", "5.2.2", _role(f" {ROLE}/next "), "MustUnderstand"),
    Case("x1-soaprole-omit", "5.2.2", _envelope(headers=_block(_MUST)), "MustUnderstand"),
    Case("x1-soaprole-acceptur", "5.2.2", _role(f"{ROLE}/ultimateReceiver", "0")),
    Case("x1-soaprole-ignore", "5.2.2", _envelope(headers=_block("", f'<x:a s:role="{ROLE}/next" {_MUST}/>'))),
    Case("x1-soapmu-prop", "5.2.3", _envelope(headers=_block('s:mustUnderstand="wrong"')), "Sender"),
    Case("x1-soapmu-prop", "5.2.3", _envelope(headers=_block('s:mustUnderstand=""')), "Sender"),
    Case("x1-soapmu-prop", "5.2.3", _envelope(headers=_block('s:mustUnderstand="9"')), "Sender"),
    Case("x1-soapmu-omit", "5.2.3", _envelope(headers=_block())),
    Case("x1-soapmu-acceptfalse", "5.2.3", _envelope(headers=_block('s:mustUnderstand="false"'))),
    Case("x1-soapmu-acceptfalse", "5.2.3", _envelope(headers=_block('s:mustUnderstand="0"'))),
    Case("x1-soapmu-allrep", "5.2.3", _envelope(headers=_block('s:mustUnderstand=" 1 "')), "MustUnderstand"),
    Case("x1-soapmu-allrep", "5.2.3", _envelope(headers=_block('s:mustUnderstand=" false "'))),
    Case("x1-soapmu-ignore", "5.2.3", _envelope(headers=_block("", f"<x:a {_MUST}/>"))),
    Case("x1-soapmu-ignore", "5.2.3", _envelope(headers=_block('mustUnderstand="true"'))),
    Case("x1-soaprelay-prop", "5.2.4", _envelope(headers=_block('s:relay="perhaps"')), "Sender"),
    Case("x1-soaprelay-omit", "5.2.4", _envelope(headers=_block(_MUST)), "MustUnderstand"),
    Case("x1-soaprelay-acceptfalse", "5.2.4", _envelope(headers=_block('s:relay="false"'))),
    Case("x1-soaprelay-acceptfalse", "5.2.4", _envelope(headers=_block('s:relay="0"'))),
    Case("x1-soaprelay-allrep", "5.2.4", _envelope(headers=_block('s:relay="true"'))),
    Case("x1-soaprelay-allrep", "5.2.4", _envelope(headers=_block('s:relay=" 1 "'))),
    Case("x1-soaprelay-ignore", "5.2.4", _envelope(headers=_block("", '<x:a s:relay="perhaps"/>'))),
    Case("x1-soapbody-prop", "5.3", _envelope(body=' xmlns:q="urn:q" q:attribute="1"')),
    Case("x1-soapbody-prop", "5.3", _envelope(body=' attribute="1"'), "Sender"),
    Case("x1-soapfault-prop", "5.4", _envelope("<m:NoSuch/>"), "Sender", "fault-form"),
    Case("x1-soapfault-single", "5.4", _envelope("<m:NoSuch/>"), "Sender", "fault-alone"),
    Case("x1-soapfault-only", "5.4", _envelope(headers=_block(_MUST)), "MustUnderstand", "fault-alone"),
    Case("x1-faultcodeelement-prop", "5.4.1", _envelope("<m:NoSuch/>"), "Sender", "code-form"),
    Case("x1-faultvalueelement-prop", "5.4.1.1", _envelope("<m:NoSuch/>"), "Sender", "code-form"),
    Case("x1-faultsubcodeelement-prop", "5.4.1.2", _envelope("<m:NoSuch/>"), "Sender", "subcode-form"),
    Case("x1-faultsubvalueelem-prop", "5.4.1.3", _envelope("<m:NoSuch/>"), "Sender", "subcode-form"),
    Case("x1-faultstringelement-prop", "5.4.2", _envelope("<m:NoSuch/>"), "Sender", "reason-form"),
    Case("x1-reasontextelement-prop", "5.4.2.1", _envelope("<m:NoSuch/>"), "Sender", "reason-form"),
    Case("x1-faultactorelement-prop", "5.4.3", _envelope("<m:NoSuch/>"), "Sender", "node-form"),
    Case("x1-faultroleelement-prop", "5.4.4", _envelope(headers=_block(_MUST)), "MustUnderstand", "role-form"),
    Case("x1-faultdetailelement-prop", "5.4.5", _envelope("<m:NoSuch/>"), "Sender", "detail-form"),
    Case("x1-soapupgrade-prop", "5.4.7.1", _envelope().replace(SOAP12, "urn:v"), "VersionMismatch", "upgrade"),
    Case("x1-soapsupportedenv-prop", "5.4.7.2", _envelope().replace(SOAP12, "urn:v"), "VersionMismatch", "upgrade"),
    Case("x1-soapqnamesu-prop", "5.4.7.3", _envelope().replace(SOAP12, "urn:v"), "VersionMismatch", "upgrade"),
    Case("x1-soapnotunderstood-prop", "5.4.8.1", _envelope(headers=_block(_MUST)), "MustUnderstand", "not-understood"),
    Case("x1-soapqnamenu-prop", "5.4.8.2", _envelope(headers=_block(_MUST)), "MustUnderstand", "not-understood"),
    Case("x1-useofuris-ipv6", "6", _role("http://[2001:db8::1]/node")),
    Case("x1-useofuris-length", "6", _role(_URI)),
    Case("x1-version-soap11", "A", _envelope().replace(SOAP12, SOAP11), SERVED, "soap11-in-kind"),
    Case("x2-rpcfaults-rules", "Part 2, 4.4", _envelope("<m:NoSuch/>"), "Sender", "procedure-not-present"),
    Case("x2-rpcfaults-rules", "Part 2, 4.4", _envelope("<m:Login><m:nobody/></m:Login>"), "Sender", "bad-arguments"),
    Case("x2-rpcfaults-rules", "Part 2, 4.4", _envelope("<m:Login/>"), "Sender", "bad-arguments"),
    Case("x2-rpcfaults-rules", "Part 2, 4.4", _envelope(f'<m:GetServerTime s:encodingStyle="{ENCODING}"/>'),
         "DataEncodingUnknown"),
    Case("x2-rpcsoaphead-hb", "Part 2, 4.3",
         _envelope(headers="<t:CallOptions><t:client>w3c</t:client></t:CallOptions>")),
    Case("x2-httpmediatype-mediatype", "Part 2, 7.1.4", _envelope(), SERVED, "answers-in-kind"),
    Case("x2-http-reqbindreqstate-reqfld", "Part 2, 7.5.1.1", _envelope(), SERVED, "answers-in-kind"),
    Case("x2-http-reqbindwaitstate-trans", "Part 2, 7.5.1.2", _envelope(), SERVED, "status"),
    Case("x2-http-respbindreceive-initerror", "Part 2, 7.5.2.1", "<s:Envelope", "Sender", "status"),
    Case("x2-http-respbindprocess-reshdr", "Part 2, 7.5.2.2", _envelope("<m:NoSuch/>"), "Sender", "answers-in-kind"),
    Case("x2-http-respbindprocess-fltmap", "Part 2, 7.5.2.2", _envelope("<m:NoSuch/>"), "Sender", "status"),
    Case("x2-http-respbindprocess-fltmap", "Part 2, 7.5.2.2", _envelope(headers=_block(_MUST)), "MustUnderstand",
         "status"),
    Case("x2-http-respbindprocess-fltmap", "Part 2, 7.5.2.2", _envelope().replace(SOAP12, "urn:v"), "VersionMismatch",
         "status"),
    Case("x2-http-respbindprocess-fltmap", "Part 2, 7.5.2.2",
         _envelope(f'<m:GetServerTime s:encodingStyle="{ENCODING}"/>'), "DataEncodingUnknown", "status"),
)  # fmt: skip

_TWINS = (
    "x1-soaproles-next", "x1-muprocessing", "x1-structinterpbodies", "x1-procsoapmsgs", "x1-envvermodel", "x1-soapenv-",
    "x1-soapenvelope", "x1-soaphead", "x1-soaprole-omit", "x1-soaprole-ignore", "x1-soapmu", "x1-soapbody",
    "x1-useofuris",
)  # fmt: skip
"""What SOAP 1.1 says as well: the envelope (4.1), header blocks (4.2), Body (4.3), the version model (4.1.2)."""


def twin(case: Case) -> Case | None:
    """The same message in SOAP 1.1; None where that version says nothing of it.

    It has no relay, no role but `next`, and of unqualified attributes on its own elements the hub takes no notice.
    """
    if not case.assertion.startswith(_TWINS) or ' attribute="1"' in case.text:
        return None
    text = case.text.replace(f"{ROLE}/next", "http://schemas.xmlsoap.org/soap/actor/next").replace(SOAP12, SOAP11)
    text = (
        text.replace("s:role=", "s:actor=").replace('stand="true"', 'stand="1"').replace('stand="false"', 'stand="0"')
    )
    text = text.replace('stand=" false "', 'stand=" 0 "')
    expected = "Client" if case.expected == "Sender" else case.expected
    return Case(case.assertion, case.section, text, expected)


_EVERY = "it is said of a whole conversation or implementation; the other assertions together test it"
_RELAY = "needs a node that forwards messages; the hub is an ultimate receiver and forwards none"
_SPEC = "it binds who writes a specification of a feature, module or binding, not a node"
_ENCODED = "SOAP encoding: the hub is document/literal and refuses it (x1-soapencattr-prop)"
_RPC = "RPC representation with SOAP encoding: the hub is document/literal"
_ABSTRACT = "properties and states of an abstract description; nothing of it is on the wire"
_REQUESTER = "it binds the requesting node"

NOT_APPLICABLE: dict[str, str] = {
    "x1-conformance-part1": _EVERY,
    "x1-conformance-part2": _EVERY,
    "x1-reltoxml-noschema": "values that only a schema would add: SOAP defines none that the hub could be seen to use",
    "x1-soaproles-invariant": "roles within one node cannot be seen from outside; the test needs an intermediary",
    "x1-procsoapmsgs-faultchoice": "it permits any of several faults, so that none is wrong",
    "x1-relayable-behavior": _RELAY,
    "x1-forwardinter-behavior": _RELAY,
    "x1-forwardinter-featuresem": _RELAY,
    "x1-soapinterminfoset-preserve": _RELAY,
    "x1-soapfeature-override": _SPEC,
    "x1-featurereq-spec": _SPEC,
    "x1-soapmep-spec": _SPEC,
    "x1-soapmep-featurereq": _SPEC,
    "x1-soapmep-include": _SPEC,
    "x1-soapmodules-specrules": _SPEC,
    "x1-bindfw-enablemep": _SPEC,
    "x1-bindfw-featurecomb": _SPEC,
    "x1-bindfw-featuredepend": _SPEC,
    "x1-bindfw-xml10": _SPEC,
    "x1-bindfw-streaming": "results are the same whether a message is streamed or not: the hub begins when it has all",
    "x1-faultactorelement-intermediaries": _RELAY,
    "x1-faultcodes-mu": "it binds who reads a fault",
    "x1-useofuris-baseuri": "the hub resolves no relative URI of a message",
    "x2-values-struct": _ENCODED,
    "x2-values-array": _ENCODED,
    "x2-encrules-rep": _ENCODED,
    "x2-encodingedgesandnodes-edge": _ENCODED,
    "x2-encodingedgesandnodes-edgeterm": _ENCODED,
    "x2-simpleenc-lexvalue": _ENCODED,
    "x2-complexenc-obedge": _ENCODED,
    "x2-complexenc-distlab": _ENCODED,
    "x2-complexenc-distpos": _ENCODED,
    "x2-complexenc-array": _ENCODED,
    "x2-complexenc-nil": _ENCODED,
    "x2-enctypename-tnprop": _ENCODED,
    "x2-itemtypeattr-prop": _ENCODED,
    "x2-idattr-prop": _ENCODED,
    "x2-refattr-prop": _ENCODED,
    "x2-uniqueidconstraints-onlyone": _ENCODED,
    "x2-uniqueidconstraints-exclusive": _ENCODED,
    "x2-arraySizeattr-prop": _ENCODED,
    "x2-nodeTypeattr-prop": _ENCODED,
    "x2-soapforrpc-sdm": _RPC,
    "x2-rpcinvocation-model": _RPC,
    "x2-rpcresponse-model": _RPC,
    "x2-rpcencrestriction-onechild": _RPC,
    "x2-bindprops-uri": _ABSTRACT,
    "x2-meppropconv-def": _ABSTRACT,
    "x2-mepname-uri": _ABSTRACT,
    "x2-bindformdesc-propdef": _ABSTRACT,
    "x2-bindformdesc-reqctx": _ABSTRACT,
    "x2-bindformdesc-resctx": _ABSTRACT,
    "x2-bindformdesc-reqsttr": _ABSTRACT,
    "x2-bindformdesc-ressttr": _ABSTRACT,
    "x2-bindformdesc-stream": _ABSTRACT,
    "x2-bindformdesc-dlock": _REQUESTER,
    "x2-mepname2-uri": _ABSTRACT,
    "x2-bindformdesc2-propdef": _ABSTRACT,
    "x2-bindformdesc2-reqctx": _ABSTRACT,
    "x2-bindformdesc2-resctx": _ABSTRACT,
    "x2-bindformdesc2-reqsttr": _ABSTRACT,
    "x2-bindformdesc2-ressttr": _ABSTRACT,
    "x2-WebMethodFeatureName-uri": _ABSTRACT,
    "x2-webmethodstatemachine-urivalue": _REQUESTER,
    "x2-webmethodstatemachine-compat": _SPEC,
    "x2-http-bindname-uri": _ABSTRACT,
    "x2-http-suptransmep-uris": "the SOAP Response pattern (a GET that answers an envelope): every operation is a POST",
    "x2-http-suptfeatures-webmethod": "as above: the hub offers POST alone",
    "x2-http-suptfeatures-methrest": "as above: the hub offers POST alone",
    "x2-http-reqsoapnode-dlock": _REQUESTER,
    "x2-namemap-rules-sql": "names of the contract are XML names already",
}
"""Assertions without a message, and why: multi-hop, SOAP encoding, RPC, and what is not on the wire."""
