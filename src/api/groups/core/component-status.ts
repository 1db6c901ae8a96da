import { defineResource } from '../../define.ts'
import * as refs from '../../refs.gen.ts'
import type { ComponentStatus } from '../../types/core-v1.gen.ts'

/** Made anew for each request, never stored. */
export const componentStatuses = defineResource(refs.componentstatuses, {
  columns: {
    Status: (status) => STATES[healthy(status)?.status ?? ''] ?? 'Unknown',
    Message: (status) => healthy(status)?.message ?? '',
    Error: (status) => healthy(status)?.error ?? '',
  },
})

const STATES: Readonly<Record<string, string>> = { True: 'Healthy', False: 'Unhealthy' }
const healthy = ({ conditions }: ComponentStatus): NonNullable<ComponentStatus['conditions']>[number] | undefined =>
  conditions?.find(({ type }) => type === 'Healthy')
