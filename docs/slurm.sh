#!/bin/bash
# Runs a study on several machines of a Slurm cluster:   sbatch docs/slurm.sh studies/norm_ablation.yaml
#
# Ends and starts again as Slurm likes: 3 minutes before its time is up, or when it is preempted, the job gets SIGTERM,
# the driver puts what runs back and exits with 143, and the job goes to the queue again. The same command goes on.
#SBATCH --job-name=dasbench
#SBATCH --nodes=4
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=16
#SBATCH --gpus-per-node=1
#SBATCH --time=24:00:00
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --signal=B:TERM@180
set -u

study=${1:?name a study file}
shared=${DASBENCH_SHARED:-$PWD}                        # a folder that all machines see
db=${DASBENCH_DB:-$shared/results.db}                  # better: postgresql+psycopg://...
head=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)
port=$((20000 + SLURM_JOB_ID % 20000))
others=$((SLURM_JOB_NUM_NODES - 1))

# A token of this job alone: without one, whoever reaches the port can run code as you.
export RAY_AUTH_MODE=token
export RAY_AUTH_TOKEN_PATH=$shared/.ray-token-$SLURM_JOB_ID
(umask 077 && python -c 'import secrets; print(secrets.token_hex(32), end="")' > "$RAY_AUTH_TOKEN_PATH")
trap 'rm -f "$RAY_AUTH_TOKEN_PATH"' EXIT

ray_node() { # options of srun, then those of ray start
  srun --exact --cpus-per-task="$SLURM_CPUS_PER_TASK" "$@" \
    --num-cpus="$SLURM_CPUS_PER_TASK" --disable-usage-stats --block &
}

ray_node --nodes=1 --ntasks=1 --nodelist="$head" ray start --head --port="$port" --include-dashboard=false
until python -c "import socket; socket.create_connection(('$head', $port), 5)" 2> /dev/null; do sleep 1; done
if ((others > 0)); then
  ray_node --nodes="$others" --ntasks="$others" --exclude="$head" ray start --address="$head:$port"
fi

dasbench run "$study" --address "$head:$port" --storage "$shared/checkpoints" --db "$db" --plain &
driver=$!
trap 'kill -TERM "$driver" 2> /dev/null' TERM
wait "$driver"
code=$?
while kill -0 "$driver" 2> /dev/null; do               # `wait` returns when the signal comes; the driver ends later
  wait "$driver"
  code=$?
done

if ((code == 143)); then
  scontrol requeue "$SLURM_JOB_ID"
fi
exit "$code"
