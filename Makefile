# Hem's verbs. `make help` lists them. Nothing but the .NET 10 SDK is expected; what a verb needs from apt it installs itself, and says so.

SHELL := /bin/bash
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

export DOTNET_NOLOGO := 1
export DOTNET_CLI_TELEMETRY_OPTOUT := 1
export DOTNET_SYSTEM_GLOBALIZATION_INVARIANT := 1
# One compiler for all projects (it ends by itself): a new one for each takes three times the processor time.
export UseSharedCompilation := true

SWEEP   ?= examples/quickstart.yaml
SOURCES := $(shell find core trainer cli operator -name '*.cs' -o -name '*.csproj' -o -name '*.proto' -o -name '*.yaml' -o -name '*.xml') \
           Directory.Build.props Directory.Build.targets Directory.Packages.props global.json make/native
TESTS   := $(shell find tests bench -name '*.cs' -o -name '*.csproj' -o -name '*.py' -o -name '*.props')
BENCHES := planner ingest mstep physics conv her-update train-flipbit train-fetch-reach render overhead reports operator latency scrape

.PHONY: help build torch sweep everything test soak image cluster-up cluster-down demo verify crds manifests layout format bench $(BENCHES:%=bench-%) clean

help: ## what there is
	@grep -hE '^[a-z%-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

build: bin/.built ## the programs: bin/hem, bin/hem-trainer and bin/hem-operator

bin/.built: $(SOURCES)
	@make/need-dotnet
	@echo "Building bin/hem, bin/hem-trainer and bin/hem-operator (the first time: a minute or two, and NuGet packages are fetched)"
	@make/native trainer/Hem.Trainer bin
	@dotnet publish cli/Hem.Cli -c Release --ucr -o bin -v q
	@dotnet publish operator/Hem.Operator -c Release --ucr -o bin -v q
	@ln -sfn "$$(make/dotnet-root)" bin/.dotnet
	@touch $@

torch: ## bin/libHemTorch.so: the trainer's way to libtorch, and so to a GPU
	@make/torch

sweep: build ## run SWEEP (default: examples/quickstart.yaml) on this machine, to its report
	@bin/hem run $(SWEEP)

everything: build ## every algorithm on every task for a moment (examples/everything-smoke.yaml)
	@make/need-apt libmujoco2.2.2 libegl1 libgl1 libgl1-mesa-dri
	@make/everything

test: build artifacts/.tests-built ## every test
	@make/need-tests
	@make/image >/dev/null || [ $$? = 3 ]
	@make/test

soak: build artifacts/.tests-built ## the slow tests too: hundreds of kills, long trainings (hours)
	@make/need-tests
	@make/image >/dev/null || [ $$? = 3 ]
	@make/kubernetes-resources >/dev/null || [ $$? = 3 ]
	@HEM_SOAK=1 make/test
	@HEM_RESOURCES=current artifacts/bin/Operator.Tests/release/Operator.Tests --filter-class '*Api.ApiServerTests' \
	    --filter-class '*KubectlTests' || [ $$? = 8 ]

artifacts/.tests-built: $(SOURCES) $(TESTS)
	@make/need-dotnet
	@echo "Building the tests"
	@dotnet build Hem.sln -c Release -v q -clp:ErrorsOnly
	@touch $@

image: ## the images, into bin/images, without a registry
	@make/image

cluster-up: artifacts/.test-cluster-built ## a Kubernetes of one node on this machine, for a try
	@artifacts/bin/TestCluster/release/test-cluster up

cluster-down: artifacts/.test-cluster-built ## end it
	@artifacts/bin/TestCluster/release/test-cluster down

demo: build artifacts/.test-cluster-built ## a Kubernetes on this machine, the operator in it, quickstart to its ranking
	@make/demo

artifacts/.test-cluster-built: $(TESTS)
	@make/need-dotnet
	@dotnet build tests/TestCluster -c Release -v q -clp:ErrorsOnly
	@touch $@

verify: build artifacts/.tests-built ## nothing drifts: format, generated files, examples
	@make/verify

crds: build ## write crds/, docs/api.md and docs/metrics.md again, from the code, and what is made of them
	@bin/hem-operator crds crds
	@bin/hem-operator crds --markdown > docs/api.md
	@{ bin/hem-operator metrics; bin/hem-trainer metrics; } > docs/metrics.md
	@make/manifests

manifests: ## write deploy/hem.yaml again, and what else is made of the chart
	@make/manifests

layout: ## write trainer/Hem.Trainer/MuJoCo/Layout.g.cs again, from MuJoCo's headers
	@make/need-apt libmujoco-dev gcc libc6-dev
	@mkdir -p artifacts
	@gcc trainer/Hem.Trainer/MuJoCo/layout.c -o artifacts/mujoco-layout -lmujoco
	@artifacts/mujoco-layout > trainer/Hem.Trainer/MuJoCo/Layout.g.cs

format: ## mend the format
	@dotnet format Hem.sln

bench: $(BENCHES:%=bench-%) ## every benchmark, side by side with its peer

bench-planner bench-ingest bench-overhead: bench-%: artifacts/.bench-built ## one benchmark
	@artifacts/bench/hem-bench $*

bench-mstep bench-conv bench-her-update bench-train-flipbit: bench-%: artifacts/.bench-built
	@make/need-apt python3-torch libopenblas0-openmp
	@artifacts/bench/hem-bench $*

bench-train-fetch-reach: artifacts/.bench-built
	@make/need-apt libmujoco2.2.2 libmujoco-samples
	@artifacts/bench/hem-bench train-fetch-reach

bench-render: artifacts/.bench-built
	@make/need-apt gcc libc6-dev libmujoco2.2.2 libmujoco-dev libegl-dev libegl1 libgl1 libgl1-mesa-dri
	@artifacts/bench/hem-bench render

bench-physics: artifacts/.bench-built
	@make/need-apt libmujoco2.2.2 libmujoco-samples
	@artifacts/bench/hem-bench physics

bench-operator bench-latency bench-reports bench-scrape: bench-%: artifacts/.operator-bench-built
	@artifacts/bin/Hem.OperatorBench/release/hem-operator-bench $*

artifacts/.operator-bench-built: $(SOURCES) $(TESTS)
	@make/need-dotnet
	@dotnet build bench/Hem.OperatorBench -c Release -v q -clp:ErrorsOnly
	@touch $@

artifacts/.bench-built: bin/.built $(TESTS)
	@make/native bench/Hem.Bench artifacts/bench
	@touch $@

clean: ## remove what was built (results stay)
	@rm -rf bin artifacts
