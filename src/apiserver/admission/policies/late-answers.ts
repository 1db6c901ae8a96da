import type { Scope } from '#base'
import type { AccessAnswer } from '#api'
import type { AccessQuestion, Authorizer, Decision } from '../../contract.ts'
import { authorize, errorOf } from '../../auth/authorize/authorize.ts'

/** More than any expression can ask for one after the other within its budget. */
const MOST_ROUNDS = 64
const NOT_YET: AccessAnswer = { allowed: false, reason: '', error: 'the authorizer does not answer at once' }

/**
 * What authorizers say to expressions, which cannot wait: where one has to be waited for, the evaluation is thrown away and done again with
 * its answer. Within one evaluation the same question has one answer.
 */
export class LateAnswers {
  readonly #known = new Map<string, AccessAnswer>()
  #waiting: Promise<void>[] = []

  ask(scope: Scope, authorizers: readonly Authorizer[], question: AccessQuestion): AccessAnswer {
    const known = this.#known.size === 0 ? undefined : this.#known.get(JSON.stringify(question))
    if (known !== undefined) return known
    const decision = authorize(scope, authorizers, question)
    if (!(decision instanceof Promise)) return answerOf(decision)
    const answered = decision.then((late) => void this.#known.set(JSON.stringify(question), answerOf(late)))
    // An evaluation that throws leaves it to nobody.
    answered.catch(() => undefined)
    this.#waiting.push(answered)
    return NOT_YET
  }

  /** `run` may be called several times and must change nothing. */
  evaluate<T>(run: () => T): T | Promise<T> {
    const result = run()
    return this.#waiting.length === 0 ? result : this.#again(run)
  }

  async #again<T>(run: () => T): Promise<T> {
    for (let round = 1; ; round++) {
      const waiting = this.#waiting
      this.#waiting = []
      await Promise.all(waiting)
      const result = run()
      if (this.#waiting.length === 0) return result
      if (round < MOST_ROUNDS) continue
      await Promise.all(this.#waiting)
      return result
    }
  }
}

function answerOf(decision: Decision): AccessAnswer {
  const error = errorOf(decision)
  return { allowed: decision.kind === 'allow', reason: decision.reason, ...(error === undefined ? {} : { error }) }
}
