import type { Scanner } from '../../ports/scanner.ts'
import type { Step } from './step.ts'

/** Whether the malware scanner is there, and finds malware in files of every size that it may be given. */
export function checkScanner(scanner: Scanner): Step {
  return {
    name: 'scanner',
    title: 'Scanner',
    needs: [],
    async run(pen) {
      const { signatures, provenBytes, problems, caveats } = await scanner.tested()
      for (const problem of problems) pen.problem(problem)
      for (const caveat of caveats) pen.note(caveat)
      if (signatures === undefined) return 'The scanner did not answer.'
      return `${signatures}; malware is found in files of up to ${provenBytes} bytes.`
    },
  }
}
