#!/bin/bash
# A node's first process. `unshare` starts it in a network, process and mount namespace of its own, which end with it: whatever it starts,
# mounts or routes is gone when it is killed.
set -eu
folder=$1 logs=$2 link=$3 address=$4 gateway=$5 kubelet=$6 kube_proxy=$7
export PATH=$PATH:/usr/sbin:/sbin

# The kernel's files that kubelet would set for the whole machine already look the way it wants them.
mkdir -p "$folder/kernel"
for setting in vm/overcommit_memory=1 vm/panic_on_oom=0 kernel/panic=10 kernel/panic_on_oops=1 \
    kernel/keys/root_maxkeys=1000000 kernel/keys/root_maxbytes=25000000
do
    name=${setting%%=*} file=$folder/kernel/$(basename "${setting%%=*}")
    echo "${setting#*=}" >"$file"
    mount --bind "$file" "/proc/sys/$name"
done

# Places with fixed names are this node's own.
mkdir -p "$folder"/{var-log,var-lib}
mount --bind "$folder/var-log" /var/log
mount --bind "$folder/var-lib" /var/lib
mount -t tmpfs tmpfs /run
mkdir -p /run/netns /run/lock

ip link set lo up
until ip link show "$link" >/dev/null 2>&1; do sleep 0.02; done
ip address add "$address/30" dev "$link"
ip link set "$link" up
ip route add default via "$gateway"
ip route add unreachable 169.254.0.0/16 # kubelet asks clouds' addresses whether it is there: a quick no
echo 1 >/proc/sys/net/ipv4/ip_forward

containerd --config "$folder/containerd.toml" >"$logs/containerd.log" 2>&1 &
"$kubelet" --config="$folder/kubelet.yaml" $(cat "$folder/kubelet.flags") >"$logs/kubelet.log" 2>&1 &
"$kube_proxy" --config="$folder/kube-proxy.yaml" >"$logs/kube-proxy.log" 2>&1 &
wait -n
echo "A program of the node ended (see its log); so does the node."
