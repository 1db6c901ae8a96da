import type * as resource from '../types/resource-v1.gen.ts'

/** Whether what a request for devices puts up with covers this taint of one. */
export const toleratesDeviceTaint = (
  { key = '', operator = 'Equal', value = '', effect = '' }: resource.DeviceToleration,
  taint: resource.DeviceTaint,
): boolean =>
  (key === '' || key === taint.key) &&
  (effect === '' || effect === taint.effect) &&
  (operator === 'Exists' || (operator === 'Equal' && value === (taint.value ?? '')))
