import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { HorizontalPodAutoscaler } from '../../types/autoscaling-v2.gen.ts'
import { created, refusals } from '../refusals.fixture.ts'
import { horizontalPodAutoscalers } from './hpa.ts'
import { horizontalPodAutoscalersV1 } from './hpa-v1.ts'

const scaleTargetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'd' }
const metadata = { name: 'h', namespace: 'n' }
const autoscaler = (spec: Partial<HorizontalPodAutoscaler['spec']> = {}): HorizontalPodAutoscaler => ({
  metadata,
  spec: { scaleTargetRef, maxReplicas: 5, ...spec },
})

describe('HorizontalPodAutoscaler', () => {
  it('measures the processor when nothing is said', () => {
    const { spec } = created(horizontalPodAutoscalers, autoscaler())
    assert.deepEqual(spec?.metrics, [
      { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } } },
    ])
  })

  it('completes a behavior of which a part is given', () => {
    const { spec } = created(horizontalPodAutoscalers, autoscaler({ behavior: { scaleUp: { stabilizationWindowSeconds: 5 } } }))
    assert.equal(spec?.behavior?.scaleUp?.stabilizationWindowSeconds, 5)
    assert.equal(spec?.behavior?.scaleUp?.policies?.length, 2)
    assert.equal(spec?.behavior?.scaleDown?.stabilizationWindowSeconds, undefined)
  })

  it('names a metric source that is missing', () => {
    assert.deepEqual(refusals(horizontalPodAutoscalers, autoscaler({ metrics: [{ type: 'Pods' }] })), [
      'spec.metrics[0].pods: Required value: must populate information for the given metric source',
    ])
  })

  it('comes back whole from the first version', () => {
    const whole = created(
      horizontalPodAutoscalers,
      autoscaler({
        metrics: [
          { type: 'Resource', resource: { name: 'memory', target: { type: 'AverageValue', averageValue: '100Mi' } } },
          { type: 'Pods', pods: { metric: { name: 'm' }, target: { type: 'AverageValue', averageValue: '5' } } },
          {
            type: 'Object',
            object: {
              metric: { name: 'o' },
              describedObject: { kind: 'Service', name: 's', apiVersion: 'v1' },
              target: { type: 'Value', value: '10' },
            },
          },
          {
            type: 'External',
            external: { metric: { name: 'e', selector: { matchLabels: { a: 'b' } } }, target: { type: 'AverageValue', averageValue: '2' } },
          },
          { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 60 } } },
        ],
        behavior: { scaleDown: { selectPolicy: 'Disabled' } },
      }),
    )
    const { conversion } = horizontalPodAutoscalersV1
    assert.ok(conversion)
    const seen = conversion.fromStored(whole)
    assert.ok(seen.metadata?.annotations?.['autoscaling.alpha.kubernetes.io/metrics'])
    const { apiVersion: _version, kind: _kind, ...back } = conversion.toStored(seen)
    assert.deepEqual(back, whole)
  })

  it('drops annotations that cannot be read', () => {
    const odd = {
      metadata: { ...metadata, annotations: { 'autoscaling.alpha.kubernetes.io/behavior': '{' } },
      spec: { scaleTargetRef, maxReplicas: 5 },
    }
    assert.equal(horizontalPodAutoscalersV1.conversion?.toStored(odd).metadata?.annotations, undefined)
  })
})
