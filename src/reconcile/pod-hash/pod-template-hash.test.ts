import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { core } from '#api'
import { printTemplate, podTemplateHash } from './pod-template-hash.ts'

const SMALL: core.PodTemplateSpec = { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'c', image: 'busybox' }] } }

/** One of each thing that is printed in a way of its own: pointers, embedded structs, names that Go writes otherwise, quantities of each form. */
const RICH: core.PodTemplateSpec = {
  metadata: { labels: { b: '2', a: '1' }, annotations: { note: 'ü' } },
  spec: {
    volumes: [
      { name: 'cfg', configMap: { name: 'settings', defaultMode: 420 } },
      { name: 'scratch', emptyDir: { sizeLimit: '1Pi' } },
      { name: 'disk', iscsi: { targetPortal: '10.0.0.1', iqn: 'iqn.a', lun: 1, iscsiInterface: 'default', chapAuthSession: true } },
    ],
    containers: [
      {
        name: 'c',
        image: 'nginx:1.27',
        ports: [{ containerPort: 80, protocol: 'TCP' }],
        env: [
          { name: 'FROM', valueFrom: { configMapKeyRef: { name: 'settings', key: 'k', optional: true } } },
          { name: 'CPU', valueFrom: { resourceFieldRef: { resource: 'limits.cpu', divisor: '0' } } },
        ],
        resources: { limits: { memory: '128Mi', cpu: '1500m' }, requests: { cpu: '1', memory: '100Mi' } },
        readinessProbe: {
          httpGet: { path: '/', port: 'http', scheme: 'HTTP' },
          timeoutSeconds: 1,
          periodSeconds: 10,
          successThreshold: 1,
          failureThreshold: 3,
        },
        lifecycle: { preStop: { exec: { command: ['sh', '-c', 'sleep 1'] } } },
        terminationMessagePath: '/dev/termination-log',
        terminationMessagePolicy: 'File',
        imagePullPolicy: 'IfNotPresent',
        securityContext: { runAsUser: 1000, capabilities: { drop: ['ALL'] } },
      },
    ],
    restartPolicy: 'Always',
    terminationGracePeriodSeconds: 30,
    dnsPolicy: 'ClusterFirst',
    nodeSelector: { disk: 'ssd' },
    serviceAccountName: 'web',
    serviceAccount: 'web',
    securityContext: {},
    schedulerName: 'default-scheduler',
    tolerations: [{ operator: 'Exists' }],
    priority: 0,
  },
}

test('the hash of a template is the one of kube-controller-manager 1.36.3', () => {
  assert.equal(podTemplateHash(SMALL, undefined), 'fd5cb659f')
  assert.equal(podTemplateHash(RICH, undefined), '6c64667845')
})

test('a template whose name was taken gets another hash, and what the wire cannot tell apart gets the same', () => {
  assert.equal(podTemplateHash(SMALL, 1), '588fdcc994')
  const same = {
    metadata: { ...SMALL.metadata, annotations: {}, creationTimestamp: null },
    spec: { ...SMALL.spec, volumes: [], nodeName: '' },
  }
  assert.equal(podTemplateHash(same as unknown as core.PodTemplateSpec, undefined), 'fd5cb659f')
})

test('a pointer to an empty struct is more than none, and a decimal that is too big for a number is printed in words', () => {
  assert.match(printTemplate(SMALL), / SecurityContext:\(\*v1\.PodSecurityContext\)<nil> /)
  assert.match(printTemplate(RICH), / SecurityContext:\(\*v1\.PodSecurityContext\)\{SELinuxOptions:/)
  assert.match(printTemplate(RICH), /abs:\(big\.nat\)\[\d+ \d+\]\} scale:\(inf\.Scale\)9\}/)
})
