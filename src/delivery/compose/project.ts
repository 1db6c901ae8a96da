import type { Client } from '#client'

/** A project and where it goes. */
export interface BringUp {
  readonly client: Client
  readonly namespace: string
  readonly project: string
  /** Runs one named step, for whoever shows progress. */
  step<T>(title: string, work: (note: (text: string) => void) => Promise<T>): Promise<T>
  /** Resolve when all runs, or as soon as all is asked for. */
  readonly wait: boolean
}
