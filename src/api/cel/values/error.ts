/** An expression that failed: a value like others while it is evaluated, since `&&` and `||` may forgive it. */
export class CelError {
  readonly message: string
  constructor(message: string) {
    this.message = message
  }
}

export const NO_OVERLOAD = new CelError('no such overload')
