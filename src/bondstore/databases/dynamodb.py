"""Tables in DynamoDB: an attribute a field, all-or-nothing changes by ``TransactWriteItems``.

Source: "TransactWriteItems", "Amazon DynamoDB Transactions: How it works", Amazon DynamoDB Developer Guide.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from bondstore import awsclients
from bondstore.databases.rows import VERSION, Change, Key, Row, Table, Value, changed, check_changes, check_key, kept
from bondstore.errors import ConfigurationError, CredentialsError, NotFoundError, TransientStoreError, UsageError

if TYPE_CHECKING:
    from bondstore.config.profiles import Profile

MOST = 100
"""Changes in one transaction."""
_TRIES = 8
_WAIT_ACTIVE = 120.0
_CONTENDED = {"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"}


class DynamoTable:
    """One table in DynamoDB; see `Table`."""

    most: int | None = MOST

    def __init__(
        self, name: str, *, key: str, numeric: bool = False, region: str | None = None, profile: Profile | None = None
    ) -> None:
        self.name = name
        self.url = f"dynamodb://{region or ''}"
        self._key, self._numeric = key, numeric
        self._region, self._profile = region, profile
        self._opened: Any = None

    def __repr__(self) -> str:
        return f"DynamoTable({self.url!r}, {self.name!r})"

    def exists(self) -> bool:
        """Tell whether the table is there, with this key."""
        return self._status() is not None

    def create(self) -> None:
        """Make the table: paid by use, not to be deleted by mistake, restorable to any second, encrypted at rest."""
        status = self._status()
        if status == "CREATING":  # by whoever may have been stopped before the rest was done
            self._wait_active()
            self._keep_points_in_time()
        if status is not None:
            return
        try:
            self._client().create_table(
                TableName=self.name,
                AttributeDefinitions=[{"AttributeName": self._key, "AttributeType": self._kind}],
                KeySchema=[{"AttributeName": self._key, "KeyType": "HASH"}],
                BillingMode="PAY_PER_REQUEST",
                DeletionProtectionEnabled=True,
                SSESpecification={"Enabled": True, "SSEType": "KMS"},
            )
        except awsclients.failures() as raised:
            if awsclients.code_of(raised) != "ResourceInUseException":  # somebody else makes it right now
                raise awsclients.understand(raised, self._place) from None
        self._wait_active()
        self._keep_points_in_time()

    def policies(self) -> dict[str, str | None]:
        """Return the policies attached to the table and to its stream, by ARN; None where there is none."""
        described = self._ask("describe_table", TableName=self.name)["Table"]
        places = [described["TableArn"], described.get("LatestStreamArn")]
        return {place: self._policy(place) for place in places if place}

    def _policy(self, place: str) -> str | None:
        client = self._client()
        try:
            return str(client.get_resource_policy(ResourceArn=place)["Policy"])
        except awsclients.failures() as raised:
            if awsclients.code_of(raised) == "PolicyNotFoundException":
                return None
            raise awsclients.understand(raised, f"policy of the {self._place}") from None

    def get(self, key: Key) -> Row | None:
        """Return one row as it is now, or None."""
        check_key(self.name, key, numeric=self._numeric)
        found = self._ask("get_item", TableName=self.name, Key={self._key: _sent(key)}, ConsistentRead=True)
        return self._row(found["Item"]) if "Item" in found else None

    def scan(self) -> Iterator[Row]:
        """Yield all rows, in no order that means anything."""
        following: dict[str, Any] = {}
        while True:
            page = self._ask("scan", TableName=self.name, ConsistentRead=True, **following)
            yield from map(self._row, page["Items"])
            if "LastEvaluatedKey" not in page:
                return
            following = {"ExclusiveStartKey": page["LastEvaluatedKey"]}

    def apply(
        self, changes: Sequence[Change], *, also: Sequence[tuple[Table, Sequence[Change]]] = ()
    ) -> list[Row | None]:
        """Make changes in one transaction; see `Table.apply`."""
        items = [self._item(change) for change in self._checked(changes)]
        for table, others in also:
            if not isinstance(table, DynamoTable) or table.url != self.url:
                raise UsageError("Tables of two databases cannot be changed at once.")
            items += [table._item(change) for change in table._checked(others)]
        if len(items) > MOST:
            raise UsageError(f"At most {MOST} rows are changed at once in DynamoDB.")
        if items:
            self._transact(items)
        return [change.after for change in changes]

    @property
    def _kind(self) -> str:
        return "N" if self._numeric else "S"

    @property
    def _place(self) -> str:
        return f"DynamoDB table {self.name}"

    def _client(self) -> Any:
        if self._opened is None:
            self._opened = awsclients.aws_client("dynamodb", self._profile, region=self._region)
        return self._opened

    def _ask(self, action: str, **words: Any) -> Any:
        client = self._client()
        try:
            return getattr(client, action)(**words)
        except awsclients.failures() as raised:
            raise awsclients.understand(raised, self._place) from None

    def _status(self) -> str | None:
        """Return what DynamoDB says of the table; None where there is none."""
        try:
            described = self._ask("describe_table", TableName=self.name)["Table"]
        except NotFoundError:
            return None
        except CredentialsError:
            # The guide's own policy lets its user read rows, and not describe the table.
            return self._answers()
        if described["TableStatus"] == "DELETING":
            return None
        kinds = {one["AttributeName"]: one["AttributeType"] for one in described["AttributeDefinitions"]}
        names = [one["AttributeName"] for one in described["KeySchema"]]
        if names != [self._key] or kinds[self._key] != self._kind:
            raise ConfigurationError(
                f"The table {self.name} has another key than {self._key} ({'number' if self._numeric else 'text'}).",
                hint="Name another table.",
            )
        return str(described["TableStatus"])

    def _answers(self) -> str | None:
        try:
            self._ask("scan", TableName=self.name, Limit=1)
        except NotFoundError:
            return None
        return "ACTIVE"

    def _wait_active(self) -> None:
        give_up = time.monotonic() + _WAIT_ACTIVE
        while self._ask("describe_table", TableName=self.name)["Table"]["TableStatus"] != "ACTIVE":
            if time.monotonic() > give_up:
                raise TransientStoreError(f"The {self._place} is not ready yet.", hint="Run the same command again.")
            time.sleep(1)

    def _keep_points_in_time(self) -> None:
        """Turn on point-in-time recovery: a new table takes a while until it can."""
        client, give_up = self._client(), time.monotonic() + _WAIT_ACTIVE
        wanted = {"PointInTimeRecoveryEnabled": True}
        while True:
            try:
                client.update_continuous_backups(TableName=self.name, PointInTimeRecoverySpecification=wanted)
            except awsclients.failures() as raised:
                passing = awsclients.code_of(raised) == "ContinuousBackupsUnavailableException"
                if not passing or time.monotonic() > give_up:
                    raise awsclients.understand(raised, self._place) from None
                time.sleep(2)
            else:
                return

    def _checked(self, changes: Sequence[Change]) -> Sequence[Change]:
        check_changes(self.name, changes, key=self._key, numeric=self._numeric)
        return changes

    def _item(self, change: Change) -> dict[str, Any]:
        key = {self._key: _sent(change.key)}
        names, values = {"#k": self._key}, {}
        if change.expected is None:
            condition = "attribute_not_exists(#k)"
        else:
            names["#v"] = VERSION
            condition = "attribute_exists(#k) AND attribute_not_exists(#v)"
            # Version 0 is a row that another tool made: it has no version yet.
            if change.expected:
                condition, values = "#v = :v", {":v": _sent(change.expected)}
                del names["#k"]
        common: dict[str, Any] = {
            "TableName": self.name,
            "ConditionExpression": condition,
            "ExpressionAttributeNames": names,
        }
        if values:
            common["ExpressionAttributeValues"] = values
        after = change.after
        if after is not None:
            fields = {name: _sent(value) for name, value in after.fields.items()}
            return {"Put": {**common, "Item": {**fields, **key, VERSION: _sent(after.version)}}}
        if change.expected is None:  # to take away what must not be there is only a check
            return {"ConditionCheck": {**common, "Key": key}}
        return {"Delete": {**common, "Key": key}}

    def _transact(self, items: list[dict[str, Any]]) -> None:
        client = self._client()
        for attempt in range(1, _TRIES + 1):
            try:
                # boto3 adds a token, so that its own second try after a lost answer is no second change
                client.transact_write_items(TransactItems=items)
            except awsclients.failures() as raised:
                self._consider(raised, last=attempt == _TRIES)
                time.sleep(random.uniform(0, min(2.0, 0.05 * 2**attempt)))  # noqa: S311 - spreads tries, no secret
            else:
                return

    def _consider(self, raised: BaseException, *, last: bool) -> None:
        """Raise what another try will not mend."""
        if awsclients.code_of(raised) != "TransactionCanceledException":
            raise awsclients.understand(raised, self._place) from None
        given = getattr(raised, "response", {}).get("CancellationReasons", [])
        reasons = {one.get("Code", "None") for one in given} - {"None"}
        if "ConditionalCheckFailed" in reasons:
            raise changed(self.name) from None
        if not reasons or not reasons <= _CONTENDED:
            raise awsclients.understand(
                raised, f"{self._place}, for {' '.join(sorted(reasons)) or 'no reason'},"
            ) from None
        if last:
            raise TransientStoreError(f"The {self._place} is too busy.", hint="Run the same command again.") from None

    def _row(self, item: Mapping[str, Mapping[str, Any]]) -> Row:
        fields = {name: _received(value) for name, value in item.items()}
        key, version = fields.pop(self._key), fields.pop(VERSION, 0)
        if not isinstance(key, (int, str)) or not isinstance(version, int):
            raise ConfigurationError(f"The {self._place} holds rows of another kind.", hint="Name another table.")
        return Row(key, version, kept(fields))


def _sent(value: Value) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"BOOL": value}
    if isinstance(value, (int, float)):
        # repr is the shortest text that reads back as the same number: at most 17 digits, and 38 can be kept
        return {"N": format(Decimal(repr(value)), "f" if isinstance(value, int) else "")}
    return {"S": value} if value is not None else {"NULL": True}


def _received(value: Mapping[str, Any]) -> Value:
    [(kind, content)] = value.items()
    if kind == "N":
        number = Decimal(content)
        whole = number == number.to_integral_value() and abs(number) < 2**63
        return int(number) if whole else float(number)
    if kind == "S":
        return str(content)
    if kind == "BOOL":
        return bool(content)
    if kind == "NULL":
        return None
    # sets, lists and bytes are other tools' doing: shown as there, never taken for text
    return f"<{kind}>"
