"""The ways to run a compiled pipeline on this machine.

local_runner.run_local     tasks are processes of the current interpreter
docker_runner.run_docker   tasks are containers of the stages' images
supervisor                 what both share on the caller's side: start, follow, end
orchestrator               the process that kfp.local works in, so that its output and state stay there
tasks                      one attempt of one task: its log, its events, the proof that it is done
"""
