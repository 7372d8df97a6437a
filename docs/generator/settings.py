"""Settings of a profile, settings files, and environment variables."""

from __future__ import annotations

import ast
import inspect

from docs.generator.text import code, page, table

from bondstore.aws.settings import VARIABLES as HANDLERS
from bondstore.config import environment
from bondstore.config.fields import fields_of, without_none
from bondstore.config.profiles import Profile
from bondstore.config.secrets import SecretRef

ORDER = """When a setting is given in several places, the first of these holds:

1. an option of the command, such as `--store`;
2. a profile that is named, by `--profile` or `BONDSTORE_PROFILE`;
3. environment variables: Bondstore's own, then the Beiwe guide's, then those of the AWS and Azure tools;
4. `bondstore.toml` in the current folder or the nearest one above it;
5. your own settings file, `~/.config/bondstore/config.toml`;
6. the files in `~/.aws`.

`bondstore profile show` lists every setting that holds here and now, and where it comes from. Where both files have
a profile of the same name, its settings are put together one by one. Credentials are taken from one place as a whole,
never half from one and half from another; where `bondstore.toml` names an endpoint for a profile, the credentials of
your own file are not used with it. Guard rails add up: where any place says `read_only = true` or
`plaintext = "forbidden"`, no other place lifts it. Variables of AWS and Azure that stand nowhere on this page have no
say."""
FILE = """A settings file is TOML. Secrets are never written into it, only where they are kept. `~/.config` is
`$XDG_CONFIG_HOME` when that is set.

```toml
default_profile = "lab"

[profile.lab]
url = "s3://lab-bucket"
region = "eu-west-1"
access_key = "env:LAB_KEY_ID"
secret_key = "file:/home/ada/.secrets/lab"
decryption_key = "keyring:beiwe/lab"
study = "5873fe38644ad7557b168e43"
read_only = true
```"""
REFERENCES = (
    ("env:NAME", "an environment variable; `env:NAME#FIELD` is one field of a connection string"),
    (
        "file:/path",
        "a file that only its owner can read (mode 0600); a relative path starts at the settings file's folder",
    ),
    ("keyring:service/name", "the desktop's keyring; needs `pip install 'bondstore[keyring]'`"),
    ("prompt:", "you are asked once per process, on the terminal, without echo"),
)
OTHER_VARIABLES = (
    ("BONDSTORE_PROFILE", "The profile to use when `--profile` is not given."),
    ("BONDSTORE_DEBUG", "When set, errors show their traceback, as with `--debug`."),
    ("NO_COLOR", "When set, nothing is coloured."),
    ("XDG_CONFIG_HOME", "Where your settings file lies: `$XDG_CONFIG_HOME/bondstore/config.toml`."),
    ("XDG_STATE_HOME", "Where the record of your own reads lies: `$XDG_STATE_HOME/bondstore/ledger.sqlite`."),
    ("AWS_CONFIG_FILE", "The AWS tools' settings file, in place of `~/.aws/config`."),
    ("AWS_SHARED_CREDENTIALS_FILE", "The AWS tools' keys, in place of `~/.aws/credentials`."),
    (
        "AWS_CA_BUNDLE",
        "A file of authorities to trust besides those of the system; also `ca_bundle` in the AWS tools' file.",
    ),
    (
        "AZURE_STORAGE_CONNECTION_STRING",
        "Account, key or signature, and endpoint of Azure in one; the other Azure variables then have no say.",
    ),
    ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "When `true`, endpoints in the AWS tools' settings file are not followed."),
    (
        "AWS_WEB_IDENTITY_TOKEN_FILE, AWS_ROLE_ARN, AWS_ROLE_SESSION_NAME, AWS_ENDPOINT_URL_STS, "
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI, AWS_CONTAINER_CREDENTIALS_FULL_URI, "
        "AWS_CONTAINER_AUTHORIZATION_TOKEN, AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE, AWS_METADATA_ENDPOINT, "
        "AWS_IMDSV1_FALLBACK",
        "Set by clusters and containers: the machine's own role is used when no keys are given.",
    ),
    ("XDG_RUNTIME_DIR", "Where `bondstore doctor` looks for a folder in memory, besides `/dev/shm`."),
    (
        "AWS_ENDPOINT_URL_DYNAMODB, AWS_ENDPOINT_URL_SESV2, AWS_ENDPOINT_URL_SQS",
        "The address of one of AWS's services, in place of `AWS_ENDPOINT_URL`.",
    ),
    ("PGPASSWORD, PGPASSFILE", "The password for PostgreSQL, or the file that holds it; never in the URL."),
    (
        "AWS_LAMBDA_FUNCTION_NAME",
        "Set by AWS in a function: `XDG_STATE_HOME` and `XDG_CACHE_HOME` are then in `/tmp/bondstore`, if not set.",
    ),
    ("BONDSTORE_NOTIFY_SECRET", "The secret that unsubscribe links are signed with, unless it is kept elsewhere."),
    ("AWS_EC2_METADATA_DISABLED", "When `true`, a machine's own role is not asked for."),
    ("HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, NO_PROXY", 'The proxy, unless the profile says `proxy = "none"`.'),
)


def make() -> str:
    """Return the page."""
    rows = ((code(name), f"`{setting}`") for name, setting in variables())
    return page(
        "Settings",
        "## Which setting holds",
        ORDER,
        "## Settings files",
        FILE,
        "At the head of a file, `default_profile` names the profile to use when none is named, and `store`, "
        "`study` and `key` "
        "stand for the settings `url`, `study` and `decryption_key` of every profile that does not say otherwise.",
        "## Secrets by reference",
        table(("reference", "the secret is kept in"), ((code(ref), text) for ref, text in REFERENCES)),
        "A secret itself is refused, in files and on the command line, and is not repeated in the error.",
        "## Settings of a profile",
        table(("setting", "default", "meaning"), fields()),
        "## Environment variables",
        "Each stands for a setting of a profile; secrets are taken from the variable when they are needed.",
        table(("variable", "setting"), rows),
        "Others:",
        table(("variable", "meaning"), ((", ".join(map(code, n.split(", "))), text) for n, text in OTHER_VARIABLES)),
        "## Variables of the handlers in AWS",
        "A Lambda function has no other settings, and neither has `bondstore aws invoke`. Secrets only by reference. "
        "See [how to run it in AWS](../how-to/aws.md).",
        table(("variable", "meaning"), ((code(name), text) for name, text in HANDLERS.items())),
    )


def fields() -> list[tuple[str, str, str]]:
    """Return every setting with its default and meaning."""
    rows = []
    for one in fields_of(Profile):
        if not one.setting.internal:
            default = {None: "", True: "true", False: "false"}.get(one.default, str(one.default))
            text = one.setting.doc or one.setting.help
            if without_none(one.type) is SecretRef:
                text = f"{text.rstrip('.')} (a reference)."
            rows.append((code(one.name), code(default), text))
    return rows


def variables() -> list[tuple[str, str]]:
    """Return every environment variable that stands for a setting, read off the source of `environment`."""
    found = [(environment.STORE, "url"), (environment.STUDY, "study"), (environment.KEY, "decryption_key")]
    for function in (environment.guide, environment.standard):
        for node in ast.walk(ast.parse(inspect.getsource(function))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id in ("_references", "_texts")
            ):
                for keyword in node.keywords:
                    found += [(name, keyword.arg or "") for name in ast.literal_eval(keyword.value)]
        if function is environment.guide:
            found.append(("S3_BUCKET", "url"))
    return found
