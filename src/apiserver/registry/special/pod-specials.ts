import type { SpecialHandler } from '../core.ts'
import { bindings, podBinding } from './pod-binding.ts'

/** What is served below a pod beyond its status, by the handlers' names. */
export function podSpecials(): Readonly<Record<string, SpecialHandler>> {
  return { bindings, 'pods/binding': podBinding }
}
