"""Knowing licences by their phrases and by SPDX lines."""

from pathlib import Path

import pytest

from components.dataset.mine_commits.licences import identify_licences, is_allowed, repository_licences
from tests.fixtures.git_repositories import RepositoryBuilder
from themis_common.git import GitRepository

BSD_2 = """Redistribution and use in source and binary forms, with or without modification, are permitted
provided that the following conditions are met:

  * Redistributions of source code must retain the above copyright notice, this list of conditions.
  * Redistributions in binary form must reproduce the above copyright notice in the documentation.
"""
BSD_3 = (
    BSD_2
    + "  * Neither the name of X nor of its contributors may be used to endorse or promote products derived from it.\n"
)
BSD_4 = (
    BSD_3
    + "  * All advertising materials mentioning features or use of this software must display an acknowledgement.\n"
)
ISC = """Permission to use, copy, modify, and/or distribute this software for any
// purpose with or without fee is hereby granted, provided that the above
// copyright notice and this permission notice appear in all copies."""
ZERO_BSD = (
    "Permission to use, copy, modify this software for any purpose with or without fee is hereby granted."
)
MIT = """Permission is hereby granted, free of charge, to any person obtaining a copy of this
software ... The above copyright notice and this permission notice shall be included in all copies or
substantial portions of the Software."""


@pytest.mark.parametrize(
    ("text", "licences"),
    [
        (MIT, {"mit"}),
        (MIT.upper().replace(" ", "\n  * "), {"mit"}),
        (BSD_2, {"bsd-2-clause"}),
        (BSD_3, {"bsd-3-clause"}),
        (BSD_4, set()),
        (ISC, {"isc"}),
        (ZERO_BSD, set()),
        ("Apache License\n  Version 2.0, January 2004", {"apache-2.0"}),
        ('Licensed under the Apache License, Version 2.0 (the "License")', {"apache-2.0"}),
        ("Mozilla Public License Version 2.0\n====", {"mpl-2.0"}),
        ("Eclipse Public License - v 1.0", {"epl-1.0"}),
        ("The Artistic License 2.0", {"artistic-2.0"}),
        ("CC0 1.0 Universal", {"cc0-1.0"}),
        ("This is free and unencumbered software released into the public domain.", {"unlicense"}),
        ("GNU AFFERO GENERAL PUBLIC LICENSE\n Version 3, 19 November 2007", {"agpl-3.0"}),
        ("GNU GENERAL PUBLIC LICENSE\n Version 2, June 1991", {"gpl-2.0"}),
        (
            "GNU GENERAL PUBLIC LICENSE Version 3, 29 June 2007 ... GNU Affero General Public License",
            {"gpl-3.0"},
        ),
        ("GNU LESSER GENERAL PUBLIC LICENSE\nVersion 2.1, February 1999", {"lgpl-2.1"}),
        ("GNU LESSER GENERAL PUBLIC LICENSE\nVersion 3, 29 June 2007", set()),
        ("All rights reserved.", set()),
        ("", set()),
        ("SPDX-License-Identifier: MIT", {"mit"}),
        ("# spdx-license-identifier: (MIT OR Apache-2.0)\nmore", {"mit", "apache-2.0"}),
        ("SPDX-License-Identifier: GPL-2.0-only WITH Classpath-exception-2.0", {"gpl-2.0"}),
        ("SPDX-License-Identifier: AGPL-3.0-or-later", {"agpl-3.0"}),
        ("SPDX-License-Identifier: LicenseRef-Secret", set()),
    ],
)
def test_texts_are_known_by_their_phrases(text: str, licences: set[str]) -> None:
    assert identify_licences(text) == licences


@pytest.mark.parametrize(
    "name", ["LICENSE", "licence.md", "COPYING", "LICENSE-MIT", "MIT-LICENSE.txt", "UNLICENSE"]
)
def test_licence_files_are_found_by_name(tmp_path: Path, name: str) -> None:
    builder = RepositoryBuilder(tmp_path / "tool")
    builder.commit({name: MIT.encode(), "README.md": BSD_2.encode(), "docs/LICENSE": ISC.encode()})
    builder.build()
    with GitRepository.open(tmp_path / "tool") as repository:
        assert repository_licences(repository) == {"mit"}


def test_several_licence_files_are_all_told_and_none_is_unknown(tmp_path: Path) -> None:
    builder = RepositoryBuilder(tmp_path / "two")
    builder.commit({"LICENSE-MIT": MIT.encode(), "LICENSE-ISC": ISC.encode()})
    builder.build()
    builder = RepositoryBuilder(tmp_path / "none")
    builder.commit({"LICENSE": b"Ask us.\n", "a.py": b"1\n"})
    builder.build()
    with GitRepository.open(tmp_path / "two") as repository:
        assert repository_licences(repository) == {"mit", "isc"}
    with GitRepository.open(tmp_path / "none") as repository:
        assert repository_licences(repository) == {"unknown"}


@pytest.mark.parametrize(
    ("licences", "policies"),
    [
        ({"mit"}, {"any", "permissive-only", "published-12"}),
        ({"mit", "apache-2.0"}, {"any", "permissive-only", "published-12"}),
        ({"agpl-3.0"}, {"any", "published-12"}),
        ({"mit", "lgpl-2.1"}, {"any", "published-12"}),
        ({"mit", "gpl-3.0"}, {"any"}),
        ({"unknown"}, {"any"}),
    ],
)
def test_under_a_policy_all_licences_must_be_allowed(licences: set[str], policies: set[str]) -> None:
    allowed = {
        policy
        for policy in ("any", "permissive-only", "published-12")
        if is_allowed(frozenset(licences), policy)  # type: ignore[arg-type]
    }
    assert allowed == policies
