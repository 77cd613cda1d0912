"""What pages call the slices of a result: criteria and languages, by the keys of the datasets, in ClassLabel order."""

from collections.abc import Mapping

from themis_common.taxonomy import Criterion, Language

CRITERION_NAMES: Mapping[str, str] = {member.key: member.label for member in Criterion}
LANGUAGE_NAMES: Mapping[str, str] = {
    member.key: "natural language" if member is Language.NL else member.label for member in Language
}
