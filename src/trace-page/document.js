// What a trace page is made of: one run, as the command line writes it into the page.
export {};
//# sourceMappingURL=document.js.map