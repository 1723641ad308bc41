"""The keys of the files and their types. What the values mean is checked when they become core's values."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from pillar_service.core.meeseeks.catalogue import LONGEST_S, Limits
from pillar_service.core.meeseeks.runs import Where

Text = Annotated[str, Field(min_length=1, max_length=4000)]
Short = Annotated[str, Field(min_length=1, max_length=200)]
Texts = Annotated[list[Text], Field(max_length=100)]


class Shape(BaseModel):
    """A mapping with no other keys than these; values are not converted to another type."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class ParameterShape(Shape):
    """A parameter of a command; for a duration, ``least`` and ``most`` are written as durations."""

    kind: Annotated[str, Field(max_length=20)] = "string"
    help: str = ""
    required: bool = False
    default: Any = None
    pattern: Text | None = None
    least: Any = None
    most: Any = None
    choices: Annotated[list[Short], Field(max_length=100)] = []
    immutable: bool = False
    unused: bool = False


class ScriptShape(Shape):
    source: Annotated[str, Field(pattern=r"^salt://[A-Za-z0-9_][A-Za-z0-9_./-]*$")]
    interpreter: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+-]*$")]
    arguments: Texts = []
    sha256: Annotated[str | None, Field(pattern=r"^[0-9a-f]{64}$")] = None


class CallShape(Shape):
    name: Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_]*\.[a-z_][a-z0-9_]*$")]
    arguments: list[Any] = []
    keywords: dict[str, Any] = {}


class ApprovalShape(Shape):
    role: Short
    count: Annotated[int, Field(ge=1, le=10)] = 1
    minutes: Annotated[int, Field(ge=1, le=1440)] = 30


class OutputShape(Shape):
    private: bool = False
    file: bool = False
    redact: Texts = []


class LimitsShape(Shape):
    memory_mb: Annotated[int, Field(ge=16, le=65536)] = Limits.memory_mb
    cpu_s: Annotated[int, Field(ge=1, le=LONGEST_S)] = Limits.cpu_s
    processes: Annotated[int, Field(ge=1, le=4096)] = Limits.processes
    file_mb: Annotated[int, Field(ge=1, le=10240)] = Limits.file_mb


class CommandShape(Shape):
    """A command of `commands.yaml`; exactly one of script, program, function, runner and action is set."""

    summary: Annotated[str, Field(min_length=1, max_length=120)]
    help: str = ""
    examples: Texts = []
    parameters: dict[str, ParameterShape] = {}
    script: ScriptShape | None = None
    program: Annotated[list[Text], Field(min_length=1, max_length=100)] | None = None
    function: CallShape | None = None
    runner: CallShape | None = None
    action: Short | None = None
    where: Annotated[Where | None, Field(strict=False)] = None
    selector: str = ""
    needs: list[Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+-]*$", max_length=40)]] = []
    timeout: Any = "60s"
    concurrency: Annotated[int, Field(ge=1, le=1000)] = 10
    governor: Short | None = None
    retry_safe: bool = False
    require: Annotated[list[Any], Field(max_length=3)] = []
    preview: Short | None = None
    messages: dict[str, Texts] = {}
    output: OutputShape = OutputShape()
    limits: LimitsShape = LimitsShape()
    user: Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_-]{0,31}$")] = "nobody"
    priority: Short = "normal"
    hidden: bool = False


class GrantShape(Shape):
    """What a role may do. Commands, selector and channels must all be given, so that leaving one out grants nothing."""

    commands: Annotated[list[Short], Field(min_length=1)]
    selector: str
    channels: Annotated[list[Short], Field(min_length=1)]
    arguments: dict[str, Text] = {}


class RoleShape(Shape):
    users: list[Short] = []
    groups: list[Short] = []
    grants: list[GrantShape] = []


class PersonaShape(Shape):
    title: Short
    icon: Annotated[str, Field(pattern=r"^(:[a-z0-9_+-]+:)?$")] = ""
    messages: dict[str, Texts] = {}
