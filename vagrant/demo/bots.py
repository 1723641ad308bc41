"""Pours the tour's five bots, of three people on two nodes."""

from typing import Any

from cast import BOTS, NODES, client, succeeded, until


def poured(there: dict[str, dict[str, Any]]) -> list[str]:
    """Pour the bots that are missing, and start those that are not alive; returns the jobs' ids."""
    service, jobs = client(), []
    for name, (email, node, description) in BOTS.items():
        if name not in there:
            told = {"type": "bot", "name": name, "account": email, "node": node, "description": description}
            jobs.append(service.create_agent(told)["job"]["id"])
        elif there[name]["actual"] != "alive":
            jobs.append(service.change_agent(there[name]["id"], {"desired": "running"})["job"]["id"])
    return jobs


def main() -> None:
    """Pour all bots at the same time."""
    service = client()
    jobs = poured({bot["name"]: bot for bot in service.agents(type="bot")})
    for job in jobs:
        succeeded(service, job)

    def all_live() -> bool:
        return all(service.agent(name)["actual"] == "alive" for name in BOTS)

    until(all_live, 60, "all five bots were alive")
    print(f"{len(BOTS)} bots live on {' and '.join(NODES)}, {len(jobs)} of them started just now")


if __name__ == "__main__":
    main()
