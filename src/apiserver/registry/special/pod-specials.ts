import type { SpecialHandler } from '../special-handler.ts'
import { bindings, podBinding } from './pod-binding.ts'
import { podEviction } from './pod-eviction.ts'

/** What is served below a pod beyond its status, by the handlers' names. */
export function podSpecials(): Readonly<Record<string, SpecialHandler>> {
  return { bindings, 'pods/binding': podBinding, 'pods/eviction': podEviction }
}
