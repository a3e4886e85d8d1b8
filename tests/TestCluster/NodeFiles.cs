using System.Net;

namespace Hem.TestCluster;

/// <summary>The files that a node's programs are set up with.</summary>
internal sealed class NodeFiles(ControlPlane plane, string name)
{
    /// <summary>Under the root that the node sees.</summary>
    public const string ContainerdSocket = "run/containerd/containerd.sock";

    private readonly NodeNetwork _network = plane.Network!;

    public string Folder => plane.InFolder("node");

    public string ControlGroup => ControlGroups.NameOf(_network);

    public void Write()
    {
        Directory.CreateDirectory(In("cni"));
        File.WriteAllText(In("resolv.conf"), "");
        File.WriteAllText(In("containerd.toml"), ContainerdConfig);
        File.WriteAllText(In("cni/10-bridge.conflist"), BridgeConfig);
        File.WriteAllText(In("kubelet.yaml"), KubeletConfig());
        File.WriteAllText(In("kube-proxy.yaml"), KubeProxyConfig());
        File.WriteAllLines(In("kubelet.flags"),
        [
            $"--kubeconfig={plane.ComponentKubeconfig("kubelet", $"system:node:{name}", "system:nodes")}",
            "--container-runtime=remote", $"--container-runtime-endpoint=unix:///{ContainerdSocket}",
            "--pod-infra-container-image=localhost/hem-pause:1",
            $"--root-dir={In("kubelet")}", $"--cert-dir={In("kubelet-certificates")}", $"--node-ip={_network.NodeAddress}",
            $"--hostname-override={name}", $"--volume-plugin-dir={In("volume-plugins")}",
        ]);
        ControlGroups.Create(ControlGroup);
    }

    /// <summary>Folders of the node that stand for disks, as volumes that a claim without a class finds.</summary>
    public IEnumerable<string> Volumes(int count)
    {
        for (var number = 1; number <= count; number++)
        {
            var folder = In($"volumes/{number}");
            Directory.CreateDirectory(folder);
            File.SetUnixFileMode(folder, (UnixFileMode)0b111_111_111);
            yield return $$"""
                apiVersion: v1
                kind: PersistentVolume
                metadata: {name: volume-{{number}} }
                spec:
                  capacity: {storage: 20Gi}
                  accessModes: [ReadWriteOnce, ReadWriteMany]
                  persistentVolumeReclaimPolicy: Retain
                  local: {path: {{folder}} }
                  nodeAffinity:
                    required:
                      nodeSelectorTerms:
                      - matchExpressions: [{key: kubernetes.io/hostname, operator: In, values: [{{name}}]}]
                """;
        }
    }

    private string ContainerdConfig => $"""
        version = 2
        root = "{In("containerd")}"
        state = "/run/containerd"
        oom_score = 0
        [plugins."io.containerd.grpc.v1.cri"]
          sandbox_image = "localhost/hem-pause:1"
          restrict_oom_score_adj = true
          [plugins."io.containerd.grpc.v1.cri".containerd]
            snapshotter = "{(new DriveInfo(Folder).DriveFormat == "overlay" ? "native" : "overlayfs")}"
          [plugins."io.containerd.grpc.v1.cri".cni]
            bin_dir = "/usr/lib/cni"
            conf_dir = "{In("cni")}"
        """;

    private string BridgeConfig => $$"""
        {
          "cniVersion": "0.4.0",
          "name": "pods",
          "plugins": [
            {
              "type": "bridge", "bridge": "cni0", "isGateway": true, "hairpinMode": true,
              "ipam": {
                "type": "host-local", "dataDir": "{{In("cni-state")}}",
                "ranges": [[{"subnet": "{{_network.PodRange}}"}]], "routes": [{"dst": "0.0.0.0/0"}]
              }
            },
            {"type": "portmap", "capabilities": {"portMappings": true} }
          ]
        }
        """;

    private string KubeletConfig()
    {
        var (certificate, key) = plane.WriteServer("kubelet", [name], [IPAddress.Loopback, _network.NodeAddress]);
        return $$"""
            apiVersion: kubelet.config.k8s.io/v1beta1
            kind: KubeletConfiguration
            address: {{_network.NodeAddress}}
            tlsCertFile: {{certificate}}
            tlsPrivateKeyFile: {{key}}
            authentication: {anonymous: {enabled: false}, webhook: {enabled: true}, x509: {clientCAFile: {{plane.CaFile}} } }
            authorization: {mode: Webhook}
            cgroupDriver: cgroupfs
            cgroupRoot: /{{ControlGroup}}
            enforceNodeAllocatable: [none]
            failSwapOn: false
            protectKernelDefaults: true
            oomScoreAdj: 0
            clusterDNS: ["{{_network.HostAddress}}"]
            clusterDomain: {{ClusterDns.Domain}}
            resolvConf: {{In("resolv.conf")}}
            evictionHard: {memory.available: 100Mi, nodefs.available: 1%, imagefs.available: 1%}
            imageGCHighThresholdPercent: 100
            configMapAndSecretChangeDetectionStrategy: Watch
            nodeStatusUpdateFrequency: 2s
            kubeAPIQPS: 200
            kubeAPIBurst: 400
            eventRecordQPS: 0
            """;
    }

    private string KubeProxyConfig() => $$"""
        apiVersion: kubeproxy.config.k8s.io/v1alpha1
        kind: KubeProxyConfiguration
        clientConnection: {kubeconfig: {{plane.ComponentKubeconfig("kube-proxy", "system:kube-proxy")}} }
        mode: iptables
        clusterCIDR: {{_network.PodRange}}
        hostnameOverride: {{name}}
        oomScoreAdj: 0
        conntrack: {maxPerCore: 0, min: 0, tcpEstablishedTimeout: 0s, tcpCloseWaitTimeout: 0s}
        """;

    private string In(string file) => Path.Combine(Folder, file);
}
