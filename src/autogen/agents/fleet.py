"""Several versions of one agent at once: the champion, and those that running conversations began with.

A conversation stays on its version while that version is loaded; a bounded number is. Promote and rollback are
noticed by the alias file's change; the new champion is loaded beside the old one, and then takes its place, so that no
request waits for it or is dropped.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from pathlib import Path

from autogen.agents.agent import Agent
from autogen.errors import AutoGenError
from autogen.feedback.memory import Memory
from autogen.versions.registry import Versions

LOADED = 3  # versions in memory, the champion among them


class Fleet:
    """Safe to use from several threads."""

    def __init__(self, project: Path, loaded: int = LOADED) -> None:
        self.project = project
        self.memory = Memory.open(project)
        self.last_error: AutoGenError | None = None
        self._versions = Versions(project)
        self._limit = loaded
        self._agents: OrderedDict[str, Agent] = OrderedDict()
        self._guard = threading.Lock()
        self._loading = threading.Lock()
        self._seen = self._stamp()
        self._champion = self._load(self._versions.champion())

    @property
    def champion(self) -> Agent:
        return self._champion

    @property
    def loaded(self) -> list[Agent]:
        """The agents in memory, the one used last at the end."""
        with self._guard:
            return list(self._agents.values())

    def agent_for(self, conversation_id: str | None) -> Agent:
        """The agent that the conversation began with, if it is still loaded; else the champion."""
        if conversation_id is None:
            return self._champion
        last = self.memory.responses.last_of(conversation_id)
        with self._guard:
            agent = self._agents.get(last.version) if last else None
            if agent is not None:
                self._agents.move_to_end(agent.version)
        return agent or self._champion

    def refresh(self) -> bool:
        """Load the new champion if there is one: True when it changed.

        A champion that cannot be loaded is kept out: the old one goes on answering, and `last_error` says why.
        """
        with self._loading:
            stamp = self._stamp()
            if stamp == self._seen:
                return False
            try:
                name = self._versions.champion()
                if name == self._champion.version:
                    self._seen, self.last_error = stamp, None
                    return False
                with self._guard:  # most conversations are on it: it is the last that may go
                    self._agents.move_to_end(self._champion.version)
                agent = self._agents.get(name) or self._load(name)
            except AutoGenError as error:
                self.last_error, self._seen = error, stamp
                return False
            with self._guard:
                self._champion, self._seen, self.last_error = agent, stamp, None
                self._agents.move_to_end(name)
            return True

    def _load(self, name: str) -> Agent:
        agent = Agent.load(self.project, name, self.memory)
        with self._guard:
            self._agents[name] = agent
            while len(self._agents) > self._limit:
                self._agents.popitem(last=False)
        return agent

    def _stamp(self) -> tuple[int, int] | None:
        try:
            status = self._versions.alias_file.stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_ino
