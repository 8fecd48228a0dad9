import js from "@eslint/js";
import hooks from "eslint-plugin-react-hooks";
import tseslint from "typescript-eslint";

// Who may import whom: `api` and `components` only `utilities`, `concepts` everything but `pages`.
const zone = (files, forbidden) => ({
  files,
  rules: {
    "no-restricted-imports": [
      "error",
      { patterns: [{ group: forbidden.map((folder) => `**/${folder}/**`), message: "This folder may not import that one." }] },
    ],
  },
});

export default tseslint.config(
  { ignores: ["node_modules/", "api/schema.d.ts"] },
  js.configs.recommended,
  {
    files: ["**/*.ts", "**/*.tsx"],
    extends: [...tseslint.configs.strictTypeChecked, ...tseslint.configs.stylisticTypeChecked],
    languageOptions: {
      parserOptions: { project: ["./tsconfig.json", "./tsconfig.test.json"], tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      "@typescript-eslint/consistent-type-definitions": ["error", "interface"],
      // The compiler wants brackets for keys that may be absent (noUncheckedIndexedAccess reads better so).
      "@typescript-eslint/dot-notation": "off",
      "no-console": "error",
    },
  },
  { ...hooks.configs.flat.recommended, files: ["**/*.tsx", "**/*.ts"] },
  { files: ["public/**"], languageOptions: { globals: { window: "readonly", document: "readonly" } } },
  { files: ["build/**"], rules: { "no-console": "off" } }, // the build prints sizes
  zone(["utilities/**"], ["api", "components", "concepts", "pages"]),
  zone(["api/**"], ["components", "concepts", "pages"]),
  zone(["components/**"], ["api", "concepts", "pages"]),
  zone(["concepts/**"], ["pages"]),
);
