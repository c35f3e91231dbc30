# SPDX-License-Identifier: GPL-3.0-or-later
# Every target sets up what it needs, below .cache. ARGS is passed on: make harden ARGS="--check --diff", make unit ARGS="-k plan".
.DEFAULT_GOAL := help
.PHONY: help demo authz harden audit rollback test lint format unit integration molecule bench fuzz sanity compat mutation build docs clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "%-12s %s\n", $$1, $$2 }' Makefile

demo: ## show the whole rollout on a throwaway host, this machine's own engine untouched (root)
	@tools/demo $(ARGS)

authz: ## show what three admins with certificates may do on a throwaway host (root)
	@tools/authz $(ARGS)

harden: ## move this machine's Docker Engine to user-namespace remapping, with proof (root)
	@tools/play harden $(ARGS)

audit: ## tell how hardened this machine's engine is; changes nothing (root)
	@tools/play audit $(ARGS)

rollback: ## put this machine's engine back to the state before the last change (root)
	@tools/play rollback $(ARGS)

test: ## run every gate below that this machine can run, and tell what it could not
	@tools/test $(ARGS)

lint: ## ansible-lint, yamllint, ruff, shellcheck, changelog, plugin documentation, licences
	@tools/lint

format: ## rewrite the Python files in the format that lint asks for
	@tools/env test ruff format --config .config/ruff.toml $(ARGS)

unit: ## unit and property tests
	@tools/unit $(ARGS)

integration: ## modules, roles and playbooks on a real engine in namespaces of its own (root)
	@tools/integration $(ARGS)

molecule: ## roles and playbooks on each platform; one of them: SCENARIO=centos-stream9 IMAGE=path-or-URL CHECKSUM=sha256:... (root)
	@tools/molecule $(SCENARIO)

bench: ## programs of tests/bench against their budgets; one of them: NAME=x
	@tools/bench $(NAME)

fuzz: ## fuzz the authorization plugin's reading of requests, against Go's; for 3600 seconds: ARGS=3600
	@tools/fuzz $(ARGS)

sanity: ## ansible-test sanity on the oldest and the newest supported ansible-core
	@tools/test sanity-2.16 sanity-2.19

compat: ## import the modules and run the unit tests on each Python from 3.6 on that is found
	@tools/compat $(ARGS)

mutation: ## change the functional cores in small ways; the unit tests must notice
	@tools/mutation $(ARGS)

build: ## build the collection's tarball and check it as Galaxy does
	@tools/build

docs: ## check that the role READMEs agree with their argument specifications; ARGS=--write mends them
	@tools/docs $(ARGS)

clean: ## end the throwaway hosts there are, and remove everything the targets made
	@tools/clean
