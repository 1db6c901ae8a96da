import type { Scope } from '#base'
import { hasReason } from '#api'
import type { AccessQuestion, Authorizer, UserInfo } from '../../contract.ts'
import { hasImpersonation, wantedUser } from './headers.ts'
import { type ImpersonationMode, impersonationModes } from './modes.ts'

export interface Impersonation {
  /**
   * The user that the request acts as: the one of its impersonation headers when the sender may act as that user, else the sender.
   * `question` is what the request itself is about, with the sender as its user. Refuses with 403, or 400 for bad headers.
   */
  impersonate(
    scope: Scope,
    headers: Readonly<Record<string, string | readonly string[] | undefined>>,
    question: AccessQuestion,
  ): UserInfo | Promise<UserInfo>
}

/** For how many senders it is remembered which mode let them through. */
const REMEMBERED = 1024

/**
 * The narrow modes are tried first, the wide one (the verb `impersonate`) last; the mode that let a sender through last time goes
 * before all others. Where none does, the first refusal is the answer.
 */
export function impersonation(authorizer: Authorizer): Impersonation {
  const modes = impersonationModes(authorizer)
  const lastMode = new Map<string, ImpersonationMode>()

  const tryModes = async (
    scope: Scope,
    headers: Parameters<Impersonation['impersonate']>[1],
    question: AccessQuestion,
  ): Promise<UserInfo> => {
    const wanted = wantedUser(headers)
    if (wanted === undefined) return question.user
    const sender = JSON.stringify([question.user.name, question.user.uid, question.user.groups])
    const last = lastMode.get(sender)
    let refusal: unknown
    for (const mode of last === undefined ? modes : [last, ...modes.filter((one) => one !== last)]) {
      try {
        const user = await mode(scope, wanted, question)
        if (user === undefined) continue
        if (lastMode.size >= REMEMBERED) lastMode.clear()
        lastMode.set(sender, mode)
        return user
      } catch (error) {
        if (!hasReason(error, 'Forbidden')) throw error
        refusal ??= error
      }
    }
    throw refusal
  }

  return {
    impersonate: (scope, headers, question) => (hasImpersonation(headers) ? tryModes(scope, headers, question) : question.user),
  }
}
