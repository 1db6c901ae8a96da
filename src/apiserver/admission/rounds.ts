import { deepEqual } from '#api'
import type { AdmissionRequest } from '../contract.ts'

/**
 * What a step with many askers remembers between the rounds of one request: those that want to know of later changes are asked once
 * more when there are any.
 */
export class Rounds {
  readonly #request: AdmissionRequest
  readonly #memory: Memory
  readonly #isRepeated: boolean

  private constructor(request: AdmissionRequest, memory: Memory) {
    this.#request = request
    this.#memory = memory
    this.#isRepeated = request.isRepeated === true
    if (this.#isRepeated && memory.waiting.size > 0 && !deepEqual(memory.output, request.object)) this.#askAgain()
  }

  static of(request: AdmissionRequest, step: string): Rounds {
    const notes = (request.notes ??= new Map())
    const memory = (notes.get(step) as Memory | undefined) ?? { waiting: new Set(), again: new Set(), output: undefined }
    notes.set(step, memory)
    return new Rounds(request, memory)
  }

  /** Whoever was not asked in the first round is not asked in the second. */
  skips(id: string): boolean {
    return this.#isRepeated && !this.#memory.again.has(id)
  }
  /** The object was changed. */
  changed(): void {
    this.#askAgain()
  }
  /** Wants to know of later changes. */
  wait(id: string): void {
    this.#memory.waiting.add(id)
  }
  /** The round is over. */
  end(): void {
    if (this.#memory.waiting.size > 0 && !this.#isRepeated) this.#memory.output = structuredClone(this.#request.object)
  }

  #askAgain(): void {
    for (const id of this.#memory.waiting) this.#memory.again.add(id)
    this.#memory.waiting.clear()
  }
}

interface Memory {
  readonly waiting: Set<string>
  readonly again: Set<string>
  /** As the first round has left the object. */
  output: unknown
}
