import type { MetricDefinition, MetricText } from '#base'
import { refs } from '#api'
import type { ObjectReader } from '../contract.ts'

const UNAVAILABLE: MetricDefinition = {
  name: 'aggregator_unavailable_apiservice',
  help: 'Whether the server behind an APIService cannot be asked now.',
  type: 'gauge',
}

export function writeApiServices(reader: ObjectReader, text: MetricText): void {
  text.family(UNAVAILABLE)
  for (const { metadata, status } of reader.list(refs.apiservices)) {
    const condition = status?.conditions?.find(({ type }) => type === 'Available')
    text.sample(UNAVAILABLE.name, { name: metadata?.name ?? '' }, condition?.status === 'True' ? 0 : 1)
  }
}
