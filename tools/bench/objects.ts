/** What the measured requests carry: a pod as a Deployment of a web service makes it, what a kubelet says of it, and a heartbeat. */

const METADATA = {
  labels: {
    group: 'g-0',
    'pod-template-hash': '6d4b75cb6d',
    'app.kubernetes.io/name': 'checkout',
    'app.kubernetes.io/part-of': 'shop',
    'app.kubernetes.io/version': '2.14.3',
    tier: 'backend',
    team: 'payments',
  },
  annotations: {
    'prometheus.io/scrape': 'true',
    'prometheus.io/port': '9090',
    'prometheus.io/path': '/metrics',
    'checksum/config': '6f1ed002ab5595859014ebf0951522d9ab45e0be64f3a1b9d2c58f3c4a6b7d8e',
    'example.com/restarted-at': '2026-11-01T10:00:00Z',
  },
}

const probe = (path: string, initialDelaySeconds: number, periodSeconds: number): object => ({
  httpGet: { path, port: 8080 },
  initialDelaySeconds,
  periodSeconds,
  timeoutSeconds: 2,
  failureThreshold: 3,
})

const fromField = (name: string, fieldPath: string): object => ({ name, valueFrom: { fieldRef: { fieldPath } } })

const CONTAINER = {
  name: 'app',
  image: 'registry.example.com/shop/checkout:2.14.3',
  imagePullPolicy: 'IfNotPresent',
  args: ['--listen=:8080', '--metrics=:9090', '--log-format=json', '--shutdown-grace=25s'],
  ports: [
    { name: 'http', containerPort: 8080, protocol: 'TCP' },
    { name: 'metrics', containerPort: 9090, protocol: 'TCP' },
  ],
  env: [
    { name: 'DATABASE_URL', value: 'postgres://checkout@db.shop.svc.cluster.local:5432/checkout?sslmode=require' },
    { name: 'CACHE_URL', value: 'redis://cache.shop.svc.cluster.local:6379/0' },
    { name: 'QUEUE_URL', value: 'amqp://queue.shop.svc.cluster.local:5672/orders' },
    fromField('POD_NAME', 'metadata.name'),
    fromField('POD_IP', 'status.podIP'),
    fromField('NODE_NAME', 'spec.nodeName'),
  ],
  resources: { requests: { cpu: '100m', memory: '128Mi' }, limits: { cpu: '500m', memory: '512Mi' } },
  readinessProbe: probe('/healthz/ready', 2, 5),
  livenessProbe: probe('/healthz/live', 10, 10),
  volumeMounts: [
    { name: 'config', mountPath: '/etc/checkout', readOnly: true },
    { name: 'tmp', mountPath: '/tmp' },
  ],
  securityContext: { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, runAsNonRoot: true, runAsUser: 10001 },
}

const SPEC = {
  automountServiceAccountToken: false,
  serviceAccountName: 'default',
  terminationGracePeriodSeconds: 30,
  containers: [CONTAINER],
  volumes: [
    { name: 'config', configMap: { name: 'checkout-config' } },
    { name: 'tmp', emptyDir: { sizeLimit: '64Mi' } },
  ],
  tolerations: [{ key: 'dedicated', operator: 'Equal', value: 'payments', effect: 'NoSchedule' }],
  dnsPolicy: 'ClusterFirst',
  restartPolicy: 'Always',
}
const SPEC_TEXT = JSON.stringify(SPEC)

export const podName = (at: number): string => `pod-${String(at).padStart(6, '0')}`
export const nodeName = (at: number): string => `node-${String(at).padStart(6, '0')}`

export function podBody(at: number): string {
  const metadata = { name: podName(at), ...METADATA, labels: { app: `checkout-${at % 100}`, ...METADATA.labels } }
  return `{"apiVersion":"v1","kind":"Pod","metadata":${JSON.stringify(metadata)},"spec":${SPEC_TEXT}}`
}

/** A strategic merge patch, as a kubelet sends it when a pod becomes ready. `now` is the time of the wire. */
export function podStatusPatch(at: number, round: number, now: string): string {
  const podIP = `10.64.${(at >> 8) & 255}.${at & 255}`
  const condition = (type: string): object => ({ type, status: 'True', lastTransitionTime: now })
  return JSON.stringify({
    status: {
      phase: 'Running',
      hostIP: `10.1.${(at >> 8) & 255}.${at & 255}`,
      podIP,
      podIPs: [{ ip: podIP }],
      startTime: now,
      conditions: ['Initialized', 'Ready', 'ContainersReady', 'PodScheduled'].map(condition),
      containerStatuses: [
        {
          name: 'app',
          ready: true,
          started: true,
          restartCount: round,
          image: CONTAINER.image,
          imageID: 'sha256:6f1ed002ab5595859014ebf0951522d9ab45e0be64f3a1b9d2c58f3c4a6b7d8e',
          containerID: `containerd://${String(at).padStart(32, '0')}`,
          state: { running: { startedAt: now } },
        },
      ],
    },
  })
}

/** A node's heartbeat. `now` has six digits of a second. */
export function leaseBody(at: number, resourceVersion: string | undefined, now: string): string {
  const name = nodeName(at)
  return JSON.stringify({
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { name, ...(resourceVersion === undefined ? {} : { resourceVersion }) },
    spec: { holderIdentity: name, leaseDurationSeconds: 40, renewTime: now },
  })
}
