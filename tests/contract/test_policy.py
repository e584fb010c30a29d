"""The security policy in WSDLs: one alternative for each proof that a tenant accepts, where its operations need one."""

from __future__ import annotations

from itertools import chain, combinations
from typing import Any

import pytest
from lxml import etree

from contract_samples import SAMPLE
from policy_alternatives import alternatives
from saddlebag.contract import documents
from saddlebag.contract.namespaces import SP, TYPES, WSA, WSDL, WSP, WSU
from saddlebag.contract.policy import DEFAULT, Proof, SecurityPolicy, policies, read_proofs, write_proofs
from saddlebag.model.builtin import BUILTIN

SUBSETS = list(chain.from_iterable(combinations(Proof, size) for size in range(1, len(Proof) + 1)))


@pytest.mark.parametrize("accepts", SUBSETS, ids=write_proofs)
def test_each_accepted_proof_is_an_alternative_and_no_other_is(accepts: tuple[Proof, ...]) -> None:
    (caller,) = [
        each for each in policies(SAMPLE, SecurityPolicy(frozenset(accepts))) if each.get(f"{{{WSU}}}Id") == "Caller"
    ]
    assert {each.proof for each in alternatives(caller)} == set(accepts)


def test_names_of_proofs_are_read_as_they_are_written() -> None:
    for each in SUBSETS:
        assert read_proofs(write_proofs(each)) == frozenset(each)
    for wrong in ("", "  ", "session telepathy"):
        with pytest.raises(ValueError, match=r"accepted|telepathy"):
            read_proofs(wrong)


def test_a_signature_covers_body_timestamp_contract_and_addressing() -> None:
    (found,) = [each for each in alternatives(policies(SAMPLE, DEFAULT)[0]) if each.proof is Proof.SIGNATURE]
    assert found.signed == {("Body", ""), ("Header", TYPES), ("Header", WSA)}
    assert found.timestamp == "required"


def _wsdl(policy: SecurityPolicy, **more: Any) -> Any:
    return etree.fromstring(documents.single_wsdl(SAMPLE, BUILTIN, "https://hub.example/a/b/v1", policy=policy, **more))


def test_every_operation_refers_to_a_policy_of_its_document() -> None:
    root = _wsdl(DEFAULT)
    ids = {each.get(f"{{{WSU}}}Id") for each in root.iterfind(f"{{{WSP}}}Policy")}
    for binding in root.iterfind(f"{{{WSDL}}}binding"):
        for node in binding.iterfind(f"{{{WSDL}}}operation"):
            found = [*binding.iterfind(f"{{{WSP}}}PolicyReference"), *node.iterfind(f"{{{WSP}}}PolicyReference")]
            exchange, reference = found
            assert exchange.get("URI") == "#Exchange"
            assert reference.get("URI")[1:] in ids
            access = next(each.access for each in SAMPLE.operations if each.name == node.get("name"))
            assert (reference.get("URI") == "#Anybody") == (access == "public")


def test_answers_that_are_always_signed_are_said_to_be() -> None:
    root = _wsdl(SecurityPolicy(sign_answers=True))
    outputs = list(root.iterfind(f"{{{WSDL}}}binding/{{{WSDL}}}operation/{{{WSDL}}}output"))
    assert outputs
    assert all(each.find(f"{{{WSP}}}PolicyReference").get("URI") == "#SignedAnswer" for each in outputs)
    (answer,) = [each for each in root.iterfind(f"{{{WSP}}}Policy") if each.get(f"{{{WSU}}}Id") == "SignedAnswer"]
    assert answer.find(f"{{{SP}}}SignedParts/{{{SP}}}Body") is not None


def test_the_variant_for_old_stacks_holds_no_policy() -> None:
    root = _wsdl(DEFAULT, soap11_only=True)
    assert not list(root.iter(f"{{{WSP}}}*"))
