#!/usr/bin/env python3
"""Puts new code into a Cognito trigger, and has people meet it only once it was seen to work.

    lambdas.py deploy   --function NAME --zip target/artefacts/lambda/arm64/pre-token-generation.zip
    lambdas.py rollback --function NAME --program pre-token-generation [--to VERSION]
    lambdas.py show     --function NAME

The code is published as a version. That version is tried, then the alias is pointed to it, then the alias is tried;
what fails puts the alias back. Function, role, settings, alias and the user pool's trigger are the infrastructure's:
nothing of them is made or changed here, but for where the alias points (and in its description, from where).

Exit status: 0 done; 1 not done, and what served before serves (nothing was changed, or it was put back); 2 wrong
arguments; 3 somebody has to look, and the last lines say at what.
"""

from __future__ import annotations

import argparse
import re
import sys
from dataclasses import dataclass
from pathlib import Path

import boto3
from arguments import DONE, LOOK, NOT_DONE, add_aws, parser_of, session
from botocore.exceptions import BotoCoreError, ClientError
from interrupts import Interrupted, Interrupts
from output import LOOK_AT_RIGHTS, WITHOUT_RIGHTS, complain, say, shown
from triggers.function import Alias, Json, LambdaFunction, Superseded, Unfit, settings, unlike
from triggers.package import BadZip, LambdaZip, read
from triggers.smoke_test import PROGRAMS, SmokeFailed, SmokeTest
from triggers.upload import UploadFailed, publish

# All that can go wrong on the way, and leaves us able to put things back.
_FAILURES = (BadZip, Unfit, Superseded, UploadFailed, SmokeFailed, Interrupted, ClientError, BotoCoreError)
# Behind whatever the infrastructure's description of the alias is.
_PREVIOUS = re.compile(r"\s*\[previous version: (\d+)\]$")
_LONGEST_DESCRIPTION = 256


def previous_version(alias: Alias) -> str | None:
    """Which version the alias pointed to before the deployment that was the last to move it."""
    found = _PREVIOUS.search(alias.description)
    return found[1] if found else None


def description(alias: Alias, previous: str | None) -> str:
    """The alias's description, with this as the previous version."""
    text = _PREVIOUS.sub("", alias.description)
    noted = f"{text} [previous version: {previous}]".strip() if previous else text
    return noted if len(noted) <= _LONGEST_DESCRIPTION else text


@dataclass
class Deployment:
    """One change of where an alias points."""

    function: LambdaFunction
    smoke: SmokeTest
    interrupts: Interrupts
    # As it was at the beginning.
    before: Alias

    def deploy(self, aws: boto3.Session, package: LambdaZip) -> int:
        """Puts a zip where the alias points; the exit status. What became of it has been said."""
        function = self.function
        latest = function.latest()
        function.require_fit_for(package, latest)
        serving = function.configuration(self.before.version)
        if serving["CodeSha256"] == package.code_sha256 and not unlike(settings(serving), settings(latest)):
            self.smoke.run(function, function.alias_name, serving)
            say(f"done: version {self.before.version} has this code already, and answers as it should")
            return DONE
        version = publish(aws, function, package)
        say(f"published version {version}")
        self._check_what_was_published(package, version, latest)
        return self.serve(version, previous=self.before.version)

    def serve(self, version: str, previous: str | None, *, untested: bool = False) -> int:
        """Tries a version, points the alias to it and tries that; the exit status. What became of it has been said."""
        function = self.function
        configuration = function.active(version)
        if not untested:
            self.smoke.run(function, version, configuration)
            say(f"version {version} answers as it should")
        try:
            self._point_to(version, previous)
            if not untested:
                self._try_alias(version, configuration)
            self.interrupts.ignore()
        # Whatever it is: what has not been seen to work does not stay.
        except (Exception, Interrupted) as cause:
            self.interrupts.ignore()
            complain(f"FAILED: {explain(cause)}")
            return self._put_back(version)
        tried = "was not tried, as you asked" if untested else "answers as it should"
        say(f"done: {function.alias_name} serves version {version}, and {tried}")
        return DONE

    def _point_to(self, version: str, previous: str | None) -> None:
        function, before = self.function, self.before
        with self.interrupts.held_back():
            function.point_alias(before, version, description(before, previous))
            say(f"{function.alias_name} points to version {version}, and pointed to {before.version}")

    def _try_alias(self, version: str, configuration: Json) -> None:
        function = self.function
        if not function.alias_arrives(version, self.smoke.any_event()):
            raise SmokeFailed(f"invocations of {function.alias_name} do not come to version {version}")
        self.smoke.run(function, function.alias_name, configuration)

    def _check_what_was_published(self, package: LambdaZip, version: str, latest: Json) -> None:
        """That it is our code, and no setting is another one than before."""
        configuration = self.function.active(version)
        if configuration["CodeSha256"] != package.code_sha256:
            raise Superseded(f"version {version} has other code than {package.path}: somebody else deploys as well")
        for changed in (unlike(settings(latest), settings(found)) for found in (configuration, self.function.latest())):
            if changed:
                raise Unfit(
                    f"the function's settings have changed meanwhile: {', '.join(changed)}. If it was the "
                    f"infrastructure's deployment, deploy this again; if not, have the infrastructure restore them"
                )

    def _put_back(self, version: str) -> int:
        """Has the alias point to where it did, if it points to `version`; the exit status."""
        function, before = self.function, self.before
        try:
            now = function.alias()
            if now.version == before.version:
                complain(f"nothing was moved: {function.alias_name} points to version {now.version} as before")
                return NOT_DONE
            if now.version != version:
                complain(f"somebody else has had it point to version {now.version}, and it was left alone")
                complain("Look with 'lambdas.py show'")
                return LOOK
            function.point_alias(now, before.version, before.description)
        except _FAILURES as error:
            complain(f"NOT PUT BACK: {explain(error)}")
            complain(f"Look with 'lambdas.py show', and put it back by hand: {self._by_hand()}")
            return LOOK
        complain(f"put back: {function.alias_name} points to version {before.version} again")
        return NOT_DONE

    def _by_hand(self) -> str:
        function = self.function
        return (
            f"aws lambda update-alias --region {function.region} --function-name {function.name} "
            f"--name {function.alias_name} --function-version {self.before.version}"
        )


def explain(error: BaseException) -> str:
    """An error as a person should read it."""
    if isinstance(error, Interrupted):
        return f"interrupted by {error}"
    if isinstance(error, SmokeFailed):
        return f"smoke test: {shown(error)}"
    if isinstance(error, ClientError) and error.response.get("Error", {}).get("Code") in WITHOUT_RIGHTS:
        return f"{shown(error)} – {LOOK_AT_RIGHTS}"
    # Of what nobody has thought of, the text alone may be one word.
    return shown(error) if isinstance(error, _FAILURES) else f"{type(error).__name__}: {shown(error)}"


# -- The commands


def begin(arguments: argparse.Namespace, program: str, interrupts: Interrupts, aws: boto3.Session) -> Deployment:
    function = LambdaFunction(aws, arguments.endpoint_url, arguments.function, arguments.alias)
    alias = function.alias()
    say(
        f"{program}: {function.name} in {function.region}, whose alias {function.alias_name} is version {alias.version}"
    )
    return Deployment(function, SmokeTest(program), interrupts, alias)


def deploy(arguments: argparse.Namespace, interrupts: Interrupts) -> int:
    program = program_of(arguments, arguments.zip.stem)
    package = read(arguments.zip)
    say(str(package))
    aws = session(arguments)
    return begin(arguments, program, interrupts, aws).deploy(aws, package)


def rollback(arguments: argparse.Namespace, interrupts: Interrupts) -> int:
    deployment = begin(arguments, program_of(arguments, arguments.function), interrupts, session(arguments))
    function, alias = deployment.function, deployment.before
    target = arguments.to or previous_version(alias)
    if target is None:
        published = ", ".join(function.published()[-10:])
        raise Unfit(f"which version was before is not known: name one of {published} with --to")
    if target == alias.version:
        raise Unfit(f"{function.alias_name} points to version {target} already")
    # No version is noted as the previous one: the one that is left is nothing to come back to.
    return deployment.serve(target, previous=None, untested=arguments.untested)


def show(arguments: argparse.Namespace, _interrupts: Interrupts) -> int:
    function = LambdaFunction(session(arguments), arguments.endpoint_url, arguments.function, arguments.alias)
    alias, latest = function.alias(), function.latest()
    serving = function.configuration(alias.version)
    lines = {
        "function": f"{function.name} in {function.region}, {latest.get('Runtime')}",
        "serves": f"version {alias.version} by {function.alias_name}, published {serving['LastModified']}",
        "code": f"{serving['CodeSize'] / 1e6:.2f} MB, CodeSha256 {serving['CodeSha256']}",
        "previous": previous_version(alias) or "not known",
        "published": ", ".join(function.published()[-10:]),
        "to be published": ", ".join(unlike(settings(latest), settings(serving)))
        or "nothing: the settings are the same",
    }
    for name, value in lines.items():
        say(f"{name:<16} {shown(value)}")
    return DONE


# -- The command line


def program_of(arguments: argparse.Namespace, name: str) -> str:
    """Which of the two programs is meant: as told, or by the one name that is in `name`."""
    meant = [arguments.program] if arguments.program else [program for program in PROGRAMS if program in name]
    if len(meant) != 1:
        raise Unfit(f"whether this is {' or '.join(PROGRAMS)} does not follow from {name!r}; say it with --program")
    return str(meant[0])


def function_name(text: str) -> str:
    # No ARN: the account and the region are those of the credentials.
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is no function's name")
    return text


def version_number(text: str) -> str:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no published version, which is a number")
    return text


def parser() -> argparse.ArgumentParser:
    top = parser_of(__doc__)
    commands = top.add_subparsers(dest="command", required=True)
    deploy_ = commands.add_parser("deploy", help="new code, by a version that is tried first")
    rollback_ = commands.add_parser("rollback", help="the alias back to the version before")
    show_ = commands.add_parser("show", help="which version serves, and which was before")
    for command, run in ((deploy_, deploy), (rollback_, rollback), (show_, show)):
        command.set_defaults(run=run)
        command.add_argument(
            "--function", type=function_name, required=True, metavar="NAME", help="as the infrastructure has named it"
        )
        command.add_argument("--alias", default="live", help="the one that the user pool invokes (%(default)s)")
        add_aws(command)
    for command in (deploy_, rollback_):
        command.add_argument("--program", choices=list(PROGRAMS), help="which one it is, where its name does not tell")
    deploy_.add_argument("--zip", type=Path, required=True, metavar="FILE", help="as deploy/build-lambdas makes it")
    rollback_.add_argument("--to", type=version_number, metavar="VERSION", help="another one than the last before")
    rollback_.add_argument("--untested", action="store_true", help="even if that one does not answer as it should")
    return top


def main() -> int:
    arguments = parser().parse_args()
    try:
        return int(arguments.run(arguments, Interrupts()))
    except _FAILURES as error:
        complain(f"FAILED: {explain(error).rstrip('.')}. The alias {arguments.alias} was not moved.")
    return NOT_DONE


if __name__ == "__main__":
    sys.exit(main())
