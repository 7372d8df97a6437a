from __future__ import annotations

import pytest

from bondstore.config.profiles import Profile
from bondstore.config.secrets import SecretRef
from bondstore.config.settings import describe_profile, list_profiles, load_profile, remove_profile, save_profile
from bondstore.errors import BondstoreError, ConfigurationError, NotFoundError, UsageError
from tests.homes import Home

GUIDE = {
    "BEIWE_SERVER_AWS_ACCESS_KEY_ID": "guide-id",
    "BEIWE_SERVER_AWS_SECRET_ACCESS_KEY": "guide-secret",
    "S3_REGION_NAME": "eu-west-1",
    "S3_BUCKET": "guide-bucket",
    "STUDY_FOLDER": "guidestudy",
    "DECRYPTION_KEY_STRING": "guide-key",
}


def set_all(monkeypatch: pytest.MonkeyPatch, values: dict[str, str]) -> None:
    for name, value in values.items():
        monkeypatch.setenv(name, value)


def test_nothing_at_all(home: Home) -> None:
    assert load_profile() == Profile(name="default")
    assert list_profiles() == []


def test_the_guides_six_are_enough(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    set_all(monkeypatch, GUIDE)
    profile = load_profile()
    assert profile == Profile(
        name="default",
        url="s3://guide-bucket",
        region="eu-west-1",
        access_key=SecretRef("env", "BEIWE_SERVER_AWS_ACCESS_KEY_ID"),
        secret_key=SecretRef("env", "BEIWE_SERVER_AWS_SECRET_ACCESS_KEY"),
        decryption_key=SecretRef("env", "DECRYPTION_KEY_STRING"),
        study="guidestudy",
    )
    assert profile.source_of("study") == "STUDY_FOLDER"


def test_flag_over_environment_over_project_over_user(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.write_user('store = "s3://user"\n[profile.flag]\nurl = "s3://flag"\n')
    assert load_profile().url == "s3://user"
    home.write_project('store = "s3://project"\n')
    assert load_profile().url == "s3://project"
    set_all(monkeypatch, GUIDE)
    assert load_profile().url == "s3://guide-bucket"
    monkeypatch.setenv("BONDSTORE_STORE", "s3://own")
    assert load_profile().url == "s3://own"
    assert load_profile("flag").url == "s3://flag"


def test_a_named_profile_stands_above_the_variables_that_fill_it(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.write_user('[profile.lab]\nregion = "us-west-2"\naccess_key = "env:LAB_ID"\nsecret_key = "env:LAB_SECRET"\n')
    set_all(monkeypatch, GUIDE)
    for chosen in ("flag", "environment"):
        if chosen == "environment":
            monkeypatch.setenv("BONDSTORE_PROFILE", "lab")
        profile = load_profile("lab" if chosen == "flag" else None)
        assert (profile.region, profile.secret_key) == ("us-west-2", SecretRef("env", "LAB_SECRET"))
        assert (profile.url, profile.study) == ("s3://guide-bucket", "guidestudy")


def test_a_profile_that_a_file_names_stands_below_the_variables(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.write_user('default_profile = "lab"\n[profile.lab]\nregion = "us-west-2"\nread_only = true\n')
    set_all(monkeypatch, GUIDE)
    profile = load_profile()
    assert (profile.name, profile.region, profile.read_only) == ("lab", "eu-west-1", True)


def test_the_projects_default_wins_over_the_users(home: Home) -> None:
    home.write_user('default_profile = "a"\n[profile.a]\nurl = "s3://a"\n[profile.b]\nurl = "s3://b"\n')
    home.write_project('default_profile = "b"\n')
    assert load_profile().name == "b"
    assert [entry.name for entry in list_profiles() if entry.default] == ["b"]


def test_the_head_of_a_file_stands_above_its_profile(home: Home) -> None:
    home.write_user('default_profile = "a"\nstudy = "head"\n[profile.a]\nstudy = "table"\n')
    assert load_profile().study == "head"
    assert load_profile("a").study == "table"


def test_a_projects_profile_and_the_users_are_put_together(home: Home) -> None:
    home.write_user('[profile.lab]\nurl = "s3://mine"\nsecret_key = "env:MINE"\naccess_key = "env:ID"\nstudy = "a"\n')
    home.write_project('[profile.lab]\nstudy = "b"\n')
    profile = load_profile("lab")
    assert (profile.url, profile.study, profile.secret_key) == ("s3://mine", "b", SecretRef("env", "MINE"))
    assert profile.source_of("url").startswith(str(home.user_file))
    assert profile.source_of("study").startswith(str(home.project))
    [entry] = list_profiles()
    assert entry.settings["url"] == "s3://mine"
    assert entry.settings["study"] == "b"


def test_a_project_does_not_send_the_users_credentials_to_its_own_endpoint(home: Home) -> None:
    home.write_user('[profile.lab]\nurl = "s3://mine"\nsecret_key = "env:MINE"\naccess_key = "env:ID"\n')
    home.write_project('[profile.lab]\nendpoint = "https://elsewhere.example"\n')
    profile = load_profile("lab")
    assert profile.endpoint == "https://elsewhere.example"
    assert (profile.secret_key, profile.access_key, profile.url) == (None, None, "s3://mine")


@pytest.mark.parametrize("strict", ["user", "project"])
@pytest.mark.parametrize("way", ["named", "variable", "default"])
def test_guard_rails_add_up(home: Home, strict: str, way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rails = 'default_profile = "u"\n[profile.u]\nread_only = true\nplaintext = "forbidden"\n'
    lifted = '[profile.u]\nurl = "s3://b"\nread_only = false\nplaintext = "allowed"\n'
    home.write_user(rails if strict == "user" else lifted)
    home.write_project(lifted if strict == "user" else rails)
    if way == "variable":
        monkeypatch.setenv("BONDSTORE_PROFILE", "u")
    elif way == "default":
        monkeypatch.setenv("BONDSTORE_PROFILE", "")
        home.write_user('default_profile = "u"\n' + home.user_file.read_text().removeprefix('default_profile = "u"\n'))
    profile = load_profile("u" if way == "named" else None)
    assert (profile.read_only, profile.plaintext, profile.url) == (True, "forbidden", "s3://b")


def test_keys_of_the_environment_leave_the_region_to_the_aws_files(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.write_aws(
        config="[default]\nregion = ch-one\nendpoint_url = https://one.example\n[profile other]\nregion = ch-two\n"
    )
    set_all(monkeypatch, {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"})
    assert (load_profile().region, load_profile().endpoint) == ("ch-one", "https://one.example")
    monkeypatch.setenv("AWS_PROFILE", "other")
    assert (load_profile().region, load_profile().endpoint) == ("ch-two", None)
    monkeypatch.setenv("AWS_REGION", "ch-three")
    assert load_profile().region == "ch-three"
    home.write_user('[profile.own]\naccess_key = "env:A"\nsecret_key = "env:B"\n')
    monkeypatch.delenv("AWS_REGION")
    assert load_profile("own").region is None


@pytest.mark.parametrize(
    "url",
    [
        "s3://b/p?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=CANARY&X-Amz-Signature=CANARY",
        "s3://AKIDCANARY:CANARY@b/p",
        "az://c/p?sv=2024-01-01&sig=CANARY",
        "s3://b/p?AWSAccessKeyId=CANARY&Signature=CANARY",
    ],
)
def test_a_url_with_a_signature_is_not_stored(home: Home, url: str) -> None:
    with pytest.raises(BondstoreError, match="more than a place") as refused:
        save_profile(Profile("lab", url=url))
    assert "CANARY" not in str(refused.value)
    assert not list_profiles()
    home.write_user(f'[profile.lab]\nurl = "{url}"\n')
    with pytest.raises(BondstoreError, match="more than a place") as refused:
        load_profile("lab")
    assert "CANARY" not in str(refused.value)


def test_credentials_come_from_one_place_as_a_whole(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    set_all(monkeypatch, GUIDE)
    set_all(monkeypatch, {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_SESSION_TOKEN": "c"})
    profile = load_profile()
    assert profile.secret_key == SecretRef("env", "BEIWE_SERVER_AWS_SECRET_ACCESS_KEY")
    assert profile.session_token is None, "a token of other keys would spoil these"
    home.write_user('[profile.open]\nanonymous = true\n[profile.named]\naws_profile = "x"\n')
    assert load_profile("open").secret_key is None
    home.write_aws("[x]\naws_access_key_id = i\naws_secret_access_key = s\n")
    assert load_profile("named").access_key is None


def test_aws_variables(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    values = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_ENDPOINT_URL": "http://127.0.0.1:9000/"}
    set_all(monkeypatch, {**values, "AWS_DEFAULT_REGION": "r1", "AWS_PROFILE": "ignored-when-keys-are-set"})
    profile = load_profile()
    assert (profile.endpoint, profile.region) == ("http://127.0.0.1:9000", "r1")
    assert profile.aws_profile is None
    set_all(monkeypatch, {"AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9001", "AWS_REGION": "r2"})
    profile = load_profile()
    assert (profile.endpoint, profile.region) == ("http://127.0.0.1:9001", "r2")


def test_half_a_pair_of_keys(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    with pytest.raises(ConfigurationError, match="AWS_SECRET_ACCESS_KEY is not"):
        load_profile()


def test_aws_endpoint_does_not_reach_azure(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    set_all(monkeypatch, {"AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AZURE_STORAGE_ACCOUNT_NAME": "acc"})
    profile = load_profile(url="az://container")
    assert (profile.endpoint, profile.account) == (None, "acc")
    assert load_profile(url="s3://bucket").endpoint == "http://127.0.0.1:1"


def test_aws_files_bring_region_and_endpoint(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.write_aws(
        "[lab]\naws_access_key_id = i\naws_secret_access_key = s\n",
        "[default]\nregion = r0\n[profile lab]\nregion = r9\nservices = mine\ns3 =\n  addressing_style = path\n"
        "request_checksum_calculation = when_required\n[services mine]\ns3 =\n  endpoint_url = https://s3.lab.example\n",
    )
    assert load_profile().region == "r0"
    monkeypatch.setenv("AWS_PROFILE", "lab")
    profile = load_profile()
    assert (profile.region, profile.endpoint) == ("r9", "https://s3.lab.example")
    assert (profile.path_style, profile.checksums) == (True, "when_required")
    monkeypatch.setenv("AWS_REGION", "r-env")
    assert load_profile().region == "r-env"


def test_unknown_profile(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.write_user('[profile.lab]\nurl = "s3://x"\n')
    with pytest.raises(NotFoundError, match=r"no profile 'lba'\. Known: lab"):
        load_profile("lba")
    monkeypatch.setenv("BONDSTORE_PROFILE", "gone")
    with pytest.raises(NotFoundError, match="gone"):
        load_profile()


def test_own_key_variable_is_a_reference(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BONDSTORE_KEY", "env:OTHER")
    assert load_profile().decryption_key == SecretRef("env", "OTHER")
    monkeypatch.setenv("BONDSTORE_KEY", "canary-literal")
    with pytest.raises(ConfigurationError, match="BONDSTORE_KEY") as caught:
        load_profile()
    assert "canary-literal" not in str(caught.value)


def test_save_list_show_remove(home: Home) -> None:
    profile = Profile(name="lab", url="s3://lab", secret_key=SecretRef("env", "S"), access_key=SecretRef("env", "I"))
    path = save_profile(profile, default=True)
    assert path == home.user_file
    assert load_profile() == profile
    with pytest.raises(ConfigurationError, match="already"):
        save_profile(profile)
    changed = Profile(name="lab", url="s3://other", path_style=False, retries=0)
    save_profile(changed, replace=True)
    assert load_profile("lab") == changed
    shown = {row["setting"]: (row["value"], row["source"]) for row in describe_profile("lab")}
    assert shown["url"] == ("s3://other", f"{path} [profile.lab]")
    assert shown["retries"] == (0, f"{path} [profile.lab]")
    assert shown["proxy"] == ("environment", "default")
    assert remove_profile("lab") == path
    assert list_profiles() == []
    with pytest.raises(NotFoundError):
        remove_profile("lab")


def test_dry_run_writes_nothing(home: Home) -> None:
    save_profile(Profile(name="lab", url="s3://lab"), dry_run=True)
    assert not home.user_file.exists()


def test_what_is_wrong_is_not_saved(home: Home) -> None:
    for wrong in (Profile(name="a b"), Profile(name="lab", url="bucket"), Profile(name="lab", endpoint="x")):
        with pytest.raises((ConfigurationError, UsageError)):
            save_profile(wrong)
    assert not home.user_file.exists()


def test_a_projects_profile_is_not_removed(home: Home) -> None:
    path = home.write_project('[profile.lab]\nurl = "s3://x"\n')
    with pytest.raises(NotFoundError, match=str(path)):
        remove_profile("lab")
