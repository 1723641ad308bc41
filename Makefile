# What people call. The steps themselves are the scripts in vagrant/.
SHELL := /bin/bash
PYTHON := .venv/bin/python
# The longest first: what is begun last is waited for alone.
DAEMONS := tests/browser tests/integration tests/image tests/states
# What knows SQL is tested on both databases by `make test`; the rest on SQLite, and once more on PostgreSQL: what uses the store
# by `make test-slow`, what uses that by `make campaigns`.
ON_BOTH := tests/store
ON_EACH := tests/usecases
ON_ONE := tests/web tests/chatops
# Which part of how many of `make campaigns`: each takes every so manyth file that has a campaign in it.
PART := 1/1
CAMPAIGNS = $$(grep -rl --include='test_*.py' mark.campaign $(DAEMONS) | sort | \
	awk -v part=$(PART) 'BEGIN { split(part, of, "/") } NR % of[2] == of[1] % of[2]')
# An unpacked release has no git, and nobody lints it.
SCRIPTS := $(shell git ls-files '*.sh' .ci/run 2>/dev/null)
NOT_UNIT := $(DAEMONS:%=--ignore=%)
QUICK := -m 'not slow and not campaign'
# What is soon done, to be run again and again while one works: what starts no process, and needs no engine, browser or PostgreSQL.
# The other rooms (usecases, web, chatops, node, …) take minutes: `make unit`, as do these, which start processes, walk through
# every migration, or try hundreds of words.
LATER := tests/store/test_store_carrying.py tests/store/test_store_migrations.py tests/master/test_master_runners.py \
	tests/runners/test_hostile_words.py tests/catalogue/test_catalogue_shipped.py \
	$(addprefix tests/master/test_,changes.py following.py http_json.py wire.py)
CHECKED := tests/test_layering.py tests/test_settings.py $(addprefix tests/,core catalogue master runners beacons store) $(LATER:%=--ignore=%)

.PHONY: help up upgrade status logs down clean restore demo demo-down demo-recording node-bundle image-tar release test test-slow campaigns check lint unit integration slow campaign bench screenshots format docs lock sbom audit dev

up: ## one pub, alive, on this machine
	@vagrant/up.sh
help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))
upgrade: ## what runs becomes the version of this tree, without a dropped request
	@vagrant/upgrade.sh
status: ## each process and bot; exit code 0 only if all live
	@vagrant/status.sh
logs: ## follow all logs
	@vagrant/logs.sh
down: ## stop what `make up` started; data kept
	@vagrant/down.sh
clean: ## stop it and forget everything
	@vagrant/clean.sh
demo: ## a tour: three accounts, five bots, two nodes, messages, Slack, an outage; beside `make up`
	@vagrant/demo.sh
demo-down: ## stop the tour and forget it
	@vagrant/demo-down.sh
demo-recording: dev ## a tour from nothing in a terminal, and pictures of it, in docs
	@vagrant/demo-recording.sh

restore: ## a lost control plane, from its backups: FROM=REPOSITORY PASSWORD_FILE=FILE, with options in WITH
	@vagrant/restore.sh "$(FROM)" "$(PASSWORD_FILE)" $(WITH)

node-bundle: ## the wheels that new nodes install from, in .cellar
	@vagrant/node-bundle.sh

image-tar: ## the pub's image for nodes that lack it, in .cellar
	@vagrant/pub-image.sh
	@vagrant/image-tar.sh

release: ## what a control plane is installed from, in .cellar
	@vagrant/packages.sh up
	@vagrant/python.sh
	@vagrant/assets.sh
	@vagrant/release.sh

dev: ## the tools and packages that tests need
	@vagrant/packages.sh test
	@vagrant/python.sh service,master,node,dev
	@vagrant/tool.sh moto
	@vagrant/assets.sh
test: ## every test but those of the next two, on real daemons: half an hour on two cores
	@vagrant/test.sh lint unit integration
test-slow: ## what each take a minute or more, and the use cases on PostgreSQL
	@vagrant/test.sh slow
campaigns: ## hours: each part killed again and again, places installed, lost, upgraded; a part of them: PART=2/14
	@vagrant/test.sh campaign
check: dev lint ## while you work, under a minute: lint, types, and most of core, catalogue, master, runners, beacons, store on SQLite; no more
	CELLAR_TEST_DATABASES=sqlite $(PYTHON) -m pytest -n 2 $(CHECKED)
lint: .venv/.scripts-checked ## ruff, mypy, salt-lint, shellcheck
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	git ls-files 'states/*.sls' 'salt/*.sls' | xargs .venv/bin/salt-lint
# All of them whenever one has changed, for each reads settings.sh; a third of a minute of a processor, and seldom needed.
.venv/.scripts-checked: $(SCRIPTS) .shellcheckrc
	printf '%s\n' $(SCRIPTS) | xargs -P 2 -n 8 shellcheck
	@touch $@
# What fails is tried once more with nothing beside it, and both are seen: two cores are few for two sets of daemons.
tests = $(PYTHON) -m pytest -n $(3) $(2) $(1) \
	|| { [ $$? = 1 ] && $(PYTHON) -m pytest --last-failed --last-failed-no-failures none $(1); }
# Three at a time, for they wait for the disk that a database is written to; two sets of daemons fill two cores.
unit: ## the tests of every room, without daemons: some minutes
	$(call tests,$(ON_BOTH),,3)
	export CELLAR_TEST_DATABASES=sqlite; $(call tests,$(QUICK) tests $(NOT_UNIT) $(ON_BOTH:%=--ignore=%),,3)
integration: ## the tests on real daemons, Docker and a browser
	$(call tests,$(QUICK) --durations=20 $(DAEMONS),--dist loadfile --no-loadscope-reorder,2)
slow: export CELLAR_TEST_DATABASES := postgresql
slow:
	$(call tests,$(ON_EACH),,3)
	$(call tests,-m slow --durations=20 tests,--dist loadfile --no-loadscope-reorder,2)
# One after the other: two campaigns side by side keep two cores so busy that what waits for a node gives up. What they
# print of themselves is shown: seeds, and what came of what they killed.
campaign:
	@[[ '$(PART)' =~ ^[1-9][0-9]?/[1-9][0-9]?$$ ]] || { echo "Say which part of how many, as PART=2/14."; exit 2; }
	[ $(firstword $(subst /, ,$(PART))) != 1 ] || CELLAR_TEST_DATABASES=postgresql $(PYTHON) -m pytest -n 2 $(ON_ONE)
	$(call tests,-m campaign --durations=20 -rP --show-capture=stdout $(CAMPAIGNS),,0)
bench: ## the figures in bench/results.md
	@vagrant/packages.sh bench
	@vagrant/python.sh service,master,node,dev
	@vagrant/docker.sh
	@vagrant/base-image.sh
	@vagrant/pub-image.sh
	@vagrant/assets.sh
	$(PYTHON) -m bench
lock: ## requirements*.txt: every package that is installed, with the hashes of its files; UPGRADE=--upgrade for the newest
	@vagrant/lock.sh $(UPGRADE)
sbom: ## what is installed, as CycloneDX, in .cellar/sbom.json
	@vagrant/sbom.sh
audit: ## known faults in what is installed, as far as the index tells its advisories
	@vagrant/audit.sh
docs: ## what is made from the code
	$(PYTHON) -m pillar_service.settings > docs/settings.md
	$(PYTHON) -m pillar_service.settings names > states/controlplane/settings.json
	$(PYTHON) vagrant/licences.py > docs/licences.md
screenshots: dev ## a picture of every page, in docs/screenshots
	$(PYTHON) tests/browser/screenshots.py
format: ## ruff formats, and mends what it can
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .
