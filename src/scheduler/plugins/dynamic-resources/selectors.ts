import { SampanError } from '#base'
import { compileDeviceSelector, type DeviceSelectorProgram, type resource } from '#api'

/** A claim or a class that says something that cannot be understood: no node will do until it is changed. */
export class UnfitClaim extends SampanError {
  readonly code = 'CLAIM_UNFIT'
}

/** What is announced for a node cannot be used: other nodes may do. */
export class UnfitPools extends SampanError {
  readonly code = 'POOLS_UNFIT'
}

const MOST_PROGRAMS = 500

/** Whether devices are what selectors want; expressions are compiled once, and asked once about each device as it is. */
export class Selectors {
  readonly #programs = new Map<string, DeviceSelectorProgram | string>()
  readonly #answers = new WeakMap<resource.Device, Map<string, boolean>>()

  /** `owner` begins the message when an expression fails. Throws `UnfitClaim`. */
  matches(selectors: readonly resource.DeviceSelector[] | undefined, driver: string, device: resource.Device, owner: string): boolean {
    return (selectors ?? []).every(({ cel }, index) => {
      const source = cel?.expression ?? ''
      const known = this.#answers.get(device)?.get(source)
      if (known !== undefined) return known
      const program = this.#program(source)
      if (typeof program === 'string') throw new UnfitClaim(`${owner}: selector #${index}: CEL compile error: ${program}`)
      const answer = program({ ...device, driver })
      if (typeof answer !== 'boolean') throw new UnfitClaim(`${owner}: selector #${index}: CEL runtime error: ${answer.problem}`)
      const answers = this.#answers.get(device) ?? new Map<string, boolean>()
      answers.set(source, answer)
      this.#answers.set(device, answers)
      return answer
    })
  }

  #program(source: string): DeviceSelectorProgram | string {
    const known = this.#programs.get(source)
    if (known !== undefined) return known
    const program = compileDeviceSelector(source)
    const [oldest] = this.#programs.keys()
    if (this.#programs.size >= MOST_PROGRAMS && oldest !== undefined) this.#programs.delete(oldest)
    this.#programs.set(source, program)
    return program
  }
}
